// The SQL functions delete(), restore(), preview(), preview_tree() and cascade_graph(). Unpacks the arguments, calls deletion/ or restore/, packs the
// result; decides nothing.
#include "api/key_arguments.hpp"
#include "deletion/cascade_graph.hpp"
#include "deletion/delete_row.hpp"
#include "deletion/preview_delete.hpp"
#include "model/mermaid.hpp"
#include "model/preview_tree.hpp"
#include "pg/called_settings.hpp"
#include "pg/srf.hpp"
#include "restore/restore_tree.hpp"
#include "session/distributed_tables.hpp"
#include "session/extension_functions.hpp"

extern "C" {
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
}

#include <optional>

namespace softdelete {

namespace {

// The first argument of the functions on rows. Errors: 22004 for NULL.
Oid get_relation(FunctionCallInfo call) {
    return pg::Arguments(call).relation(0, "relation");
}

// As the caller's search_path has it.
std::string show_name(Oid relation) {
    return pg::call([&] {
        return static_cast<const char *>(
            DatumGetCString(DirectFunctionCall1(regclassout, ObjectIdGetDatum(relation))));
    });
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
        const Oid relation = get_relation(fcinfo);
        pg::call([=] { session::refuse_distributed(relation); });
        std::uint64_t rows = restore::restore_row(relation, api::get_key_arguments(fcinfo, 1));
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

PG_FUNCTION_INFO_V1(softdelete_preview_tree);

PGDLLEXPORT Datum softdelete_preview_tree(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        std::vector<deletion::PreviewStep> steps;
        {
            pg::CommandScope path;
            steps = deletion::preview_steps(get_relation(fcinfo), api::get_key_arguments(fcinfo, 1));
        }
        std::vector<model::TreeStep> named;
        for (const deletion::PreviewStep &step : steps) {
            named.push_back({step.depth, step.parent, step.relation, show_name(step.relation), step.key,
                             step.action, step.rows});
        }
        pg::ResultSet result(fcinfo);
        for (const model::TreeLine &line : model::lay_out_tree(named)) {
            result.add({line.text, std::to_string(line.rows), line.action, line.why});
        }
        return Datum{0};
    });
}

PG_FUNCTION_INFO_V1(softdelete_cascade_graph);

PGDLLEXPORT Datum softdelete_cascade_graph(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::call([] { session::check_version(); });
        const deletion::CascadeGraph graph = [&] {
            pg::CommandScope path;
            return deletion::find_cascade_graph(get_relation(fcinfo));
        }();
        std::vector<model::GraphNode> nodes;
        for (const deletion::CascadeTable &table : graph.tables) {
            nodes.push_back({{show_name(table.relation), table.description}});
        }
        const std::string text = model::draw_flowchart(nodes, graph.keys);
        return pg::call([&] { return CStringGetTextDatum(text.c_str()); });
    });
}

} // extern "C"

} // namespace softdelete
