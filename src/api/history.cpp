// The SQL functions track_history(), untrack_history(), history_at(), history_of() and what the view softdelete.history
// calls. Unpacks the arguments and leaves the work to history/.
#include "api/key_arguments.hpp"
#include "history/show_history.hpp"
#include "history/track_table.hpp"
#include "pg/called_settings.hpp"
#include "pg/srf.hpp"
#include "pg/transactions.hpp"
#include "session/extension_functions.hpp"

extern "C" {
#include "miscadmin.h"
#include "utils/timestamp.h"
}

namespace softdelete {

namespace {

// STABLE functions take what the statement's snapshot shows.
void begin_reading() {
    pg::call([] { session::check_version(); });
}

history::TakeLine add_to(pg::ResultSet *result) {
    return [result](const history::Line &line) { result->add(line); };
}

} // namespace

extern "C" {

PG_FUNCTION_INFO_V1(softdelete_track_history);

PGDLLEXPORT Datum softdelete_track_history(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::CommandScope path;
        pg::refuse_if_read_only("softdelete.track_history()");
        pg::Arguments arguments(fcinfo);
        return ObjectIdGetDatum(
            history::track_table({arguments.relation(0, "relation"), arguments.optional_text(1),
                                  arguments.names(2, "without"), arguments.optional_text(3)}));
    });
}

PG_FUNCTION_INFO_V1(softdelete_untrack_history);

PGDLLEXPORT Datum softdelete_untrack_history(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::CommandScope path;
        pg::refuse_if_read_only("softdelete.untrack_history()");
        pg::Arguments arguments(fcinfo);
        history::untrack_table(arguments.relation(0, "relation"), arguments.text(1, "entries"));
        return Datum{0};
    });
}

PG_FUNCTION_INFO_V1(softdelete_history_at);

PGDLLEXPORT Datum softdelete_history_at(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        begin_reading();
        pg::CalledSettings called;
        Oid relation = pg::Arguments(fcinfo).relation(0, "relation");
        if (fcinfo->args[1].isnull) {
            pg::raise({.sqlstate = ERRCODE_NULL_VALUE_NOT_ALLOWED,
                       .message = "argument \"at\" must not be null",
                       .hint = "Give a time."});
        }
        std::optional<Datum> row = history::show_row_at(relation, DatumGetTimestampTz(fcinfo->args[1].value),
                                                        api::get_key_arguments(fcinfo, 2));
        fcinfo->isnull = !row;
        return row.value_or(0);
    });
}

PG_FUNCTION_INFO_V1(softdelete_history_of);

PGDLLEXPORT Datum softdelete_history_of(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        begin_reading();
        pg::CalledSettings called;
        Oid relation = pg::Arguments(fcinfo).relation(0, "relation");
        std::vector<std::string> key = api::get_key_arguments(fcinfo, 1);
        pg::ResultSet result(fcinfo);
        history::show_life(relation, key, add_to(&result));
        return Datum{0};
    });
}

PG_FUNCTION_INFO_V1(softdelete_history_entries);

PGDLLEXPORT Datum softdelete_history_entries(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        begin_reading();
        pg::ResultSet result(fcinfo);
        history::show_entries(DatumGetObjectId(fcinfo->args[0].value), add_to(&result));
        return Datum{0};
    });
}

} // extern "C"

} // namespace softdelete
