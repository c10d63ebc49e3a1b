// The SQL procedure purge() and the functions purge_preview(), schedule() and unschedule(). Unpacks the arguments and
// leaves the work to purge/.
#include "pg/called_settings.hpp"
#include "pg/srf.hpp"
#include "pg/transactions.hpp"
#include "purge/preview_purge.hpp"
#include "purge/purge_lock.hpp"
#include "purge/purge_rows.hpp"
#include "purge/schedule_purge.hpp"
#include "session/extension_functions.hpp"

extern "C" {
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
}

namespace softdelete {

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

std::optional<Oid> get_relation(FunctionCallInfo call, int number) {
    return call->args[number].isnull ? std::nullopt
                                     : std::optional(DatumGetObjectId(call->args[number].value));
}

purge::PurgeRequest get_request(FunctionCallInfo call) {
    require(call, 1, "batch_size");
    require(call, 3, "delay");
    purge::PurgeRequest request = {};
    request.relation = get_relation(call, 0);
    int32 batch_size = DatumGetInt32(call->args[1].value);
    if (batch_size < 1 || batch_size > 1000000) {
        pg::raise({.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
                   .message = "batch_size must be between 1 and 1000000",
                   .hint = "A batch is one transaction: 1000 to 100000 rows suit most tables."});
    }
    request.batch_size = static_cast<std::size_t>(batch_size);
    if (!call->args[2].isnull) {
        request.max_runtime = get_duration(call, 2, "max_runtime");
    }
    request.delay = get_duration(call, 3, "delay");
    request.may_commit = pg::may_commit(call);
    return request;
}

} // namespace

extern "C" {

PG_FUNCTION_INFO_V1(softdelete_purge);

PGDLLEXPORT Datum softdelete_purge(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::refuse_if_read_only("softdelete.purge()");
        pg::call([] { session::check_version(); });
        purge::purge_rows(get_request(fcinfo));
        return Datum{0};
    });
}

PG_FUNCTION_INFO_V1(softdelete_purge_preview);

PGDLLEXPORT Datum softdelete_purge_preview(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::call([] {
            session::check_version();
            PreventCommandIfParallelMode("softdelete.purge_preview()");
        });
        pg::CalledSettings called;
        std::vector<purge::DueLine> lines = purge::preview_purge(get_relation(fcinfo, 0));
        pg::ResultSet result(fcinfo);
        for (const purge::DueLine &line : lines) {
            result.add({std::to_string(line.relation), line.cutoff, std::to_string(line.due),
                        std::to_string(line.held), std::to_string(line.blocked)});
        }
        return Datum{0};
    });
}

PG_FUNCTION_INFO_V1(softdelete_schedule);

PGDLLEXPORT Datum softdelete_schedule(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        std::string cron = pg::Arguments(fcinfo).text(0, "cron");
        return Int64GetDatum(purge::schedule_purge(cron, get_relation(fcinfo, 1)));
    });
}

PG_FUNCTION_INFO_V1(softdelete_unschedule);

PGDLLEXPORT Datum softdelete_unschedule(PG_FUNCTION_ARGS) {
    return pg::entry([&] { return Int64GetDatum(purge::unschedule_purges()); });
}

PG_FUNCTION_INFO_V1(softdelete_is_purging);

PGDLLEXPORT Datum softdelete_is_purging(PG_FUNCTION_ARGS) {
    return pg::entry(
        [&] { return BoolGetDatum(purge::PurgeLock::is_taken(DatumGetObjectId(fcinfo->args[0].value))); });
}

} // extern "C"

} // namespace softdelete
