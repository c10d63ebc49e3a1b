// Hours of the day, as '01:00-05:00' or '22:30-04:00 Europe/Berlin'. Pure. Without memory of its own: settings are checked, and the
// launcher works, where a server error may jump over it.
#pragma once

#include <cstddef>
#include <string_view>

namespace softdelete::model {

struct DailyWindow {
    static constexpr std::size_t zone_size = 256; // as the server's names of zones

    int from = 0;              // minutes since midnight; the window may reach over midnight
    int to = 0;                // not in it any more
    char zone[zone_size] = {}; // empty where none is named

    bool contains(int minute) const;
    // Until it begins, from a minute that is not in it.
    int minutes_until(int minute) const;
};

// False where the text says no window; nothing is said of the zone.
bool parse_window(std::string_view text, DailyWindow *window);

} // namespace softdelete::model
