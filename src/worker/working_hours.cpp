// When the worker may work. The launcher asks before it starts anybody, and the worker between its batches. Hours are those of
// the time zone that the setting names, or of log_timezone, which no database and no role changes.
#include "worker/working_hours.hpp"

#include "model/daily_window.hpp"
#include "settings.hpp"

extern "C" {
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "pgtime.h"
#include "utils/timestamp.h"
}

#include <sys/stat.h>

namespace softdelete::worker {

namespace {

// When the server began its timeline: a promotion, a recovery to a point in time and the recovery of a backup begin one, and
// write its history. Nothing in the first.
bool find_timeline_start(TimestampTz *start) {
    char path[MAXPGPATH];
    TLHistoryFilePath(path, GetWALInsertionTimeLine());
    struct stat file = {};
    if (stat(path, &file) != 0) {
        return false;
    }
    *start = time_t_to_timestamptz(static_cast<pg_time_t>(file.st_mtime));
    return true;
}

// When the window opens; the time itself where it is open or where there is none.
TimestampTz find_window(TimestampTz at) {
    model::DailyWindow window;
    if (settings::worker_window()[0] == '\0' || !model::parse_window(settings::worker_window(), &window)) {
        return at;
    }
    pg_tz *zone = window.zone[0] == '\0' ? log_timezone : pg_tzset(window.zone);
    pg_time_t seconds = timestamptz_to_time_t(at);
    const pg_tm *local = pg_localtime(&seconds, zone == nullptr ? log_timezone : zone);
    if (local == nullptr) {
        return at;
    }
    const int minute = local->tm_hour * 60 + local->tm_min;
    return window.contains(minute)
               ? at
               : at + (window.minutes_until(minute) * INT64CONST(60) - local->tm_sec) * USECS_PER_SEC;
}

} // namespace

WorkingHours get_working_hours(TimestampTz now) {
    TimestampTz start = 0;
    TimestampTz begin = now;
    Pause pause = Pause::none;
    if (find_timeline_start(&start)) {
        const TimestampTz end = start + settings::worker_recovery_delay() * USECS_PER_SEC;
        // A clock that went back since does not make it wait for ever.
        if (start <= now && now < end) {
            begin = end;
            pause = Pause::recovery;
        }
    }
    const TimestampTz opening = find_window(begin);
    if (opening > now && pause == Pause::none) {
        pause = Pause::window;
    }
    return {pause, opening};
}

} // namespace softdelete::worker
