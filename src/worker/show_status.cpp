// What the view softdelete.worker_status calls. It is in this folder, since nobody below may know of the worker.
#include "pg/boundary.hpp"
#include "pg/srf.hpp"
#include "session/extension_functions.hpp"
#include "worker/worker_status.hpp"

extern "C" {
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
}

#include <optional>
#include <string>

namespace softdelete::worker {

namespace {

std::string name_state(WorkState state) {
    switch (state) {
    case WorkState::waiting:
        return "waiting";
    case WorkState::starting:
        return "starting";
    case WorkState::running:
        return "running";
    case WorkState::idle:
        return "idle";
    }
    return "";
}

std::optional<std::string> write_time(TimestampTz time) {
    if (time == 0) {
        return std::nullopt;
    }
    return pg::call([&] {
        return static_cast<const char *>(
            DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(time))));
    });
}

// The text of an error may quote a row: it is in the server's log.
std::optional<std::string> name_error(const DatabaseStatus &entry) {
    if (entry.last_error_at == 0) {
        return std::nullopt;
    }
    if (entry.sqlstate == 0) {
        return "ended early, see the server's log";
    }
    return std::string("SQLSTATE ") + unpack_sql_state(entry.sqlstate);
}

} // namespace

extern "C" {

PG_FUNCTION_INFO_V1(softdelete_worker_entries);

PGDLLEXPORT Datum softdelete_worker_entries(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::call([] { session::check_version(); });
        pg::ResultSet result(fcinfo);
        const WorkerStatus *status = pg::call([] { return copy_worker_status(); });
        for (int i = 0; status != nullptr && i < status->count; i++) {
            const DatabaseStatus &entry = status->databases[i];
            const bool is_paused = status->pause != Pause::none;
            result.add({std::to_string(entry.database), name_state(entry.state), write_time(entry.last_look),
                        write_time(entry.last_end), write_time(status->next_look),
                        is_paused ? std::optional<std::string>(status->pause == Pause::window ? "window"
                                                                                              : "recovery")
                                  : std::nullopt,
                        name_error(entry), write_time(entry.last_error_at)});
        }
        return Datum{0};
    });
}

} // extern "C"

} // namespace softdelete::worker
