// The SQL functions delete(), restore(), undo(), conflicts() and preview(). Unpacks the arguments, calls deletion/ or
// restore/, packs the result; decides nothing.
#include "api/key_arguments.hpp"
#include "deletion/count_deletion.hpp"
#include "deletion/delete_row.hpp"
#include "deletion/preview_delete.hpp"
#include "pg/called_settings.hpp"
#include "pg/srf.hpp"
#include "restore/list_conflicts.hpp"
#include "restore/restore_tree.hpp"
#include "restore/undo_deletion.hpp"
#include "session/extension_functions.hpp"

extern "C" {
#include "miscadmin.h"
#include "utils/builtins.h"
}

#include <optional>

namespace softdelete {

namespace {

// The first argument of the functions on rows. Errors: 22004 for NULL.
Oid get_relation(FunctionCallInfo call) {
    return pg::Arguments(call).relation(0, "relation");
}

// The first argument of the functions on deletions. Errors: 22004 for NULL.
std::int64_t get_deletion(FunctionCallInfo call) {
    pg::call([] {
        session::check_version();
        PreventCommandIfParallelMode("softdelete functions");
    });
    if (call->args[0].isnull) {
        pg::raise({.sqlstate = ERRCODE_NULL_VALUE_NOT_ALLOWED,
                   .message = "argument \"deletion_id\" must not be null",
                   .hint = "SELECT * FROM softdelete.deletions lists the deletions."});
    }
    return DatumGetInt64(call->args[0].value);
}

} // namespace

extern "C" {

PG_FUNCTION_INFO_V1(softdelete_delete);

PGDLLEXPORT Datum softdelete_delete(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::CommandScope path;
        std::optional<std::int64_t> id =
            deletion::delete_row(get_relation(fcinfo), api::get_key_arguments(fcinfo, 1));
        fcinfo->isnull = !id.has_value();
        return Int64GetDatum(id.value_or(0));
    });
}

PG_FUNCTION_INFO_V1(softdelete_restore);

PGDLLEXPORT Datum softdelete_restore(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::CommandScope path;
        std::uint64_t rows = restore::restore_row(get_relation(fcinfo), api::get_key_arguments(fcinfo, 1));
        return Int64GetDatum(static_cast<int64>(rows));
    });
}

PG_FUNCTION_INFO_V1(softdelete_undo);

PGDLLEXPORT Datum softdelete_undo(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::CommandScope path;
        return Int64GetDatum(static_cast<int64>(restore::undo_deletion(get_deletion(fcinfo))));
    });
}

PG_FUNCTION_INFO_V1(softdelete_conflicts);

PGDLLEXPORT Datum softdelete_conflicts(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::CommandScope path;
        std::vector<restore::Conflict> conflicts = restore::list_conflicts(get_deletion(fcinfo));
        pg::ResultSet result(fcinfo);
        for (const restore::Conflict &conflict : conflicts) {
            result.add({std::to_string(conflict.relation), conflict.key, conflict.reason, conflict.detail});
        }
        return Datum{0};
    });
}

PG_FUNCTION_INFO_V1(softdelete_preview);

PGDLLEXPORT Datum softdelete_preview(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::CommandScope path;
        std::vector<deletion::PreviewLine> lines =
            deletion::preview_delete(get_relation(fcinfo), api::get_key_arguments(fcinfo, 1));
        pg::ResultSet result(fcinfo);
        for (const deletion::PreviewLine &line : lines) {
            result.add({std::to_string(line.depth), std::to_string(line.relation), line.action,
                        std::to_string(line.rows)});
        }
        return Datum{0};
    });
}

PG_FUNCTION_INFO_V1(softdelete_count_deletion);

PGDLLEXPORT Datum softdelete_count_deletion(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        std::string counts = deletion::count_deletion(get_deletion(fcinfo));
        return pg::call([&] { return CStringGetTextDatum(counts.c_str()); });
    });
}

} // extern "C"

} // namespace softdelete
