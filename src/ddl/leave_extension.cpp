// Makes DROP EXTENSION leave views and row security behind: redefines the views without softdelete.include_deleted()
// and drops our policies. The event trigger of DROP EXTENSION calls it.
#include "ddl/leave_extension.hpp"
#include "sqltext/format.hpp"

#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "registration/run_steps.hpp"
#include "session/utility_commands.hpp"

namespace softdelete::ddl {

namespace {

constexpr const char *views_query = R"(
    SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), c.relowner, pg_catalog.pg_get_viewdef(c.oid),
           pg_catalog.array_to_string(c.reloptions, ', ')
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_proc p ON p.oid = d.refobjid AND p.proname = 'include_deleted'
    JOIN pg_catalog.pg_namespace pn ON pn.oid = p.pronamespace AND pn.nspname = 'softdelete'
    JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
    JOIN pg_catalog.pg_class c ON c.oid = r.ev_class AND c.relkind = 'v'
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN softdelete_internal.registration g ON g.all_view = c.relname
    JOIN pg_catalog.pg_class t ON t.oid = g.relation AND t.relnamespace = c.relnamespace
    WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
      AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    ORDER BY 1)";

// The view's query up to its one condition.
std::string remove_condition(const std::string &query) {
    std::size_t place = query.rfind("WHERE softdelete.include_deleted(");
    return place == std::string::npos ? query : query.substr(0, place);
}

} // namespace

void leave_views() {
    pg::Spi spi;
    session::OwnDdlScope own_ddl;
    for (const pg::Row &view : spi.query(views_query)) {
        std::string options = view.text_or(3, "");
        std::string command = sqltext::format("CREATE OR REPLACE VIEW %1%%2% AS %3%", view.text(0),
                                              (options.empty() ? "" : " WITH (" + options + ")"),
                                              remove_condition(view.text(2)));
        pg::UserScope owner(view.oid(1));
        spi.execute(command);
    }
    bool has_tables = !spi.query("SELECT FROM softdelete_internal.registration LIMIT 1").empty();
    if (has_tables) {
        pg::warn(
            "deleted rows of registered tables are visible again, and DELETE removes rows physically",
            "Data, columns, indexes and views stay. softdelete.register() takes the tables on again, with "
            "their deletions.");
    }
}

} // namespace softdelete::ddl
