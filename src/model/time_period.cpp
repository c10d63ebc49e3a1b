// Calendar arithmetic for partitions by time.
#include "model/time_period.hpp"

#include <chrono>

namespace softdelete::model {

namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr Microseconds day_length = 86400LL * 1000 * 1000;
constexpr sys_days epoch = std::chrono::year{2000} / 1 / 1;

sys_days get_day(Microseconds time) {
    Microseconds number = time / day_length - (time % day_length < 0 ? 1 : 0);
    return epoch + days(number);
}

Microseconds to_time(sys_days day) {
    return Microseconds{(day - epoch).count()} * day_length;
}

} // namespace

TimePeriod get_period(Microseconds time, PeriodWidth width) {
    const sys_days day = get_day(time);
    const year_month_day date(day);
    switch (width) {
    case PeriodWidth::day:
        return {to_time(day), to_time(day + days(1))};
    case PeriodWidth::week: {
        const sys_days monday = day - (std::chrono::weekday(day) - std::chrono::Monday);
        return {to_time(monday), to_time(monday + days(7))};
    }
    case PeriodWidth::month: {
        const sys_days first = date.year() / date.month() / 1;
        const sys_days next = (date.year() / date.month() + std::chrono::months(1)) / 1;
        return {to_time(first), to_time(next)};
    }
    case PeriodWidth::year:
        break;
    }
    const sys_days first = date.year() / 1 / 1;
    const sys_days next = (date.year() + std::chrono::years(1)) / 1 / 1;
    return {to_time(first), to_time(next)};
}

PeriodWidth get_nearest_width(const TimePeriod &period) {
    const Microseconds length = period.to - period.from;
    if (length <= day_length) {
        return PeriodWidth::day;
    }
    if (length <= 7 * day_length) {
        return PeriodWidth::week;
    }
    return length <= 31 * day_length ? PeriodWidth::month : PeriodWidth::year;
}

PeriodWidth get_width_for(Microseconds retention) {
    const Microseconds length = retention / day_length;
    if (length <= 60) {
        return PeriodWidth::day;
    }
    if (length <= 366) {
        return PeriodWidth::week;
    }
    return length <= 5 * 366 ? PeriodWidth::month : PeriodWidth::year;
}

std::string get_label(const TimePeriod &period) {
    const year_month_day date(get_day(period.from));
    const int number =
        static_cast<int>(date.year()) * 10000
        + static_cast<int>(static_cast<unsigned>(date.month()) * 100 + static_cast<unsigned>(date.day()));
    return std::to_string(number);
}

} // namespace softdelete::model
