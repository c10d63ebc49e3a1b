// Hours of the day, as '01:00-05:00' or '22:30-04:00 Europe/Berlin'. Pure.
#pragma once

#include <string>

namespace softdelete::model {

struct DailyWindow {
    int from = 0;     // minutes since midnight; the window may reach over midnight
    int to = 0;       // not in it any more
    std::string zone; // empty where none is named

    bool contains(int minute) const;
    // Until it begins, from a minute that is not in it.
    int minutes_until(int minute) const;
};

// False where the text says no window; nothing is said of the zone.
bool parse_window(const std::string &text, DailyWindow *window);

} // namespace softdelete::model
