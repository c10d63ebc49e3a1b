// Called by api/purge and api/registration.
#include "api/run_arguments.hpp"

extern "C" {
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
}

#include <string>

namespace softdelete::api {

namespace {

// A run that may last longer than this, or forever, is given this: what a clock is compared with must not overflow.
constexpr std::int64_t longest = INT64CONST(100) * 365 * USECS_PER_DAY;

bool is_negative(const Interval *interval) {
    Interval zero = {};
    return pg::call([&] {
        return DatumGetInt32(
                   DirectFunctionCall2(interval_cmp, IntervalPGetDatum(interval), IntervalPGetDatum(&zero)))
               < 0;
    });
}

// As intervals are compared: months of 30 days, days of 24 hours. Up to the longest it is exact.
std::int64_t get_length(const Interval *interval) {
    double days = static_cast<double>(interval->month) * DAYS_PER_MONTH + interval->day;
    double length = days * USECS_PER_DAY + static_cast<double>(interval->time);
    return length < static_cast<double>(longest) ? static_cast<std::int64_t>(length) : longest;
}

} // namespace

std::chrono::microseconds get_duration(FunctionCallInfo call, int number, const char *name) {
    const Interval *interval = DatumGetIntervalP(call->args[number].value);
    if (is_negative(interval)) {
        pg::raise({.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
                   .message = std::string(name) + " must not be negative",
                   .hint = "Give a length of time, such as '10 minutes'."});
    }
    return std::chrono::microseconds(get_length(interval));
}

void require(FunctionCallInfo call, int number, const char *name) {
    if (call->args[number].isnull) {
        pg::raise({.sqlstate = ERRCODE_NULL_VALUE_NOT_ALLOWED,
                   .message = std::string("argument \"") + name + "\" must not be null",
                   .hint = "Leave the argument out to have its default."});
    }
}

std::size_t get_batch_size(FunctionCallInfo call, int number) {
    require(call, number, "batch_size");
    int32 batch_size = DatumGetInt32(call->args[number].value);
    if (batch_size < 1 || batch_size > 1000000) {
        pg::raise({.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
                   .message = "batch_size must be between 1 and 1000000",
                   .hint = "A batch is one transaction: 1000 to 100000 rows suit most tables."});
    }
    return static_cast<std::size_t>(batch_size);
}

} // namespace softdelete::api
