// Reads the setting softdelete.worker_window. Called by settings and by the worker.
#include "model/daily_window.hpp"

namespace softdelete::model {

namespace {

constexpr int minutes_of_day = 24 * 60;

bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

// "HH:MM" at that place, which moves behind it. 24:00 is the end of the day.
bool parse_time(std::string_view text, std::size_t *place, int *minutes) {
    int numbers[2] = {};
    for (int part = 0; part < 2; part++) {
        std::size_t begin = *place;
        while (*place < text.size() && is_digit(text[*place]) && *place - begin < 2) {
            numbers[part] = numbers[part] * 10 + (text[*place] - '0');
            ++*place;
        }
        bool is_complete = part == 0 ? *place > begin : *place == begin + 2;
        if (!is_complete) {
            return false;
        }
        if (part == 0) {
            if (*place >= text.size() || text[*place] != ':') {
                return false;
            }
            ++*place;
        }
    }
    *minutes = numbers[0] * 60 + numbers[1];
    return numbers[1] < 60 && *minutes <= minutes_of_day;
}

void skip_spaces(std::string_view text, std::size_t *place) {
    while (*place < text.size() && text[*place] == ' ') {
        ++*place;
    }
}

} // namespace

bool DailyWindow::contains(int minute) const {
    return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

int DailyWindow::minutes_until(int minute) const {
    return (from - minute + minutes_of_day) % minutes_of_day;
}

bool parse_window(std::string_view text, DailyWindow *window) {
    std::size_t place = 0;
    skip_spaces(text, &place);
    if (!parse_time(text, &place, &window->from)) {
        return false;
    }
    skip_spaces(text, &place);
    if (place >= text.size() || text[place] != '-') {
        return false;
    }
    ++place;
    skip_spaces(text, &place);
    if (!parse_time(text, &place, &window->to) || window->from == window->to
        || window->from == minutes_of_day) {
        return false;
    }
    if (place < text.size() && text[place] != ' ') {
        return false;
    }
    skip_spaces(text, &place);
    std::string_view zone = text.substr(place);
    while (!zone.empty() && zone.back() == ' ') {
        zone.remove_suffix(1);
    }
    if (zone.size() >= DailyWindow::zone_size) {
        return false;
    }
    window->zone[zone.copy(window->zone, zone.size())] = '\0';
    return true;
}

} // namespace softdelete::model
