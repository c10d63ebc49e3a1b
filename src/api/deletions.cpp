// The SQL functions delete(), restore() and preview(). Unpacks the arguments, calls deletion/ or restore/, packs the
// result; decides nothing.
#include "api/key_arguments.hpp"
#include "deletion/delete_row.hpp"
#include "deletion/preview_delete.hpp"
#include "pg/called_settings.hpp"
#include "pg/srf.hpp"
#include "restore/restore_tree.hpp"

#include <optional>

namespace softdelete {

namespace {

// The first argument of the functions on rows. Errors: 22004 for NULL.
Oid get_relation(FunctionCallInfo call) {
    return pg::Arguments(call).relation(0, "relation");
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

} // extern "C"

} // namespace softdelete
