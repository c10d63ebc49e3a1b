// The SQL procedure purge() and the functions purge_preview(), schedule() and unschedule(). Unpacks the arguments and
// leaves the work to purge/.
#include "api/run_arguments.hpp"
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

std::optional<Oid> get_relation(FunctionCallInfo call, int number) {
    return call->args[number].isnull ? std::nullopt
                                     : std::optional(DatumGetObjectId(call->args[number].value));
}

purge::PurgeRequest get_request(FunctionCallInfo call) {
    api::require(call, 3, "delay");
    purge::PurgeRequest request = {};
    request.relation = get_relation(call, 0);
    request.batch_size = api::get_batch_size(call, 1);
    if (!call->args[2].isnull) {
        request.max_runtime = api::get_duration(call, 2, "max_runtime");
    }
    request.delay = api::get_duration(call, 3, "delay");
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
