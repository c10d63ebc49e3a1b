// The periods of time that partitions are made for: days, weeks, months or years of UTC.
#pragma once

#include <cstdint>
#include <string>

namespace softdelete::model {

// Microseconds since 2000-01-01 00:00 UTC, as the server counts.
using Microseconds = std::int64_t;

enum class PeriodWidth { day, week, month, year };

// From the one time up to the other, which belongs to the next period.
struct TimePeriod {
    Microseconds from;
    Microseconds to;
};

// The period that the time lies in. Weeks begin on Monday.
TimePeriod get_period(Microseconds time, PeriodWidth width);

// The width that comes nearest to a period that is there already, which may have been cut short.
PeriodWidth get_nearest_width(const TimePeriod &period);

// The width by which rows that are kept for that long need 12 to 60 partitions, where days are not too wide already.
PeriodWidth get_width_for(Microseconds retention);

// When it begins, for names: 20261130.
std::string get_label(const TimePeriod &period);

} // namespace softdelete::model
