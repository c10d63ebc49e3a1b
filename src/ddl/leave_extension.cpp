// Makes DROP EXTENSION leave views and row security behind: redefines the views without softdelete.include_deleted()
// and drops our policies. The event trigger of DROP EXTENSION calls it.
#include "ddl/leave_extension.hpp"

#include "pg/quote.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "session/utility_commands.hpp"
#include "sqltext/format.hpp"

namespace softdelete::ddl {

namespace {

constexpr const char *all_views_query = R"(
    SELECT c.oid, c.relowner, pg_catalog.format('%I.%I', n.nspname, c.relname),
           (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum)
            FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0),
           pg_catalog.array_to_string(c.reloptions, ', '), pg_catalog.format('%I.%I', n.nspname, t.relname)
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

// The columns of the table that the view shows, in its order.
std::string list_columns(const pg::SimpleView &view) {
    std::string list;
    for (const auto &[name, column] : view.columns) {
        list += (list.empty() ? "" : ", ") + pg::quote_identifier(column);
    }
    return list;
}

} // namespace

void leave_views() {
    pg::Spi spi;
    session::OwnDdlScope own_ddl;
    for (const pg::Row &view : spi.query_kept(all_views_query)) {
        pg::SimpleView shown = pg::read_view(view.oid(0));
        if (!shown.is_simple) {
            continue; // a view of the user's, at which DROP EXTENSION stops
        }
        std::string options = view.text_or(4, "");
        std::string command = sqltext::format(
            "CREATE OR REPLACE VIEW %1% (%2%)%3% AS SELECT %4% FROM %5%", view.text(2), view.text(3),
            (options.empty() ? "" : " WITH (" + options + ")"), list_columns(shown), view.text(5));
        pg::UserScope owner(view.oid(1));
        spi.execute(command);
    }
    bool has_tables = !spi.query_kept("SELECT FROM softdelete_internal.registration LIMIT 1").empty();
    if (has_tables) {
        pg::warn(
            "deleted rows of registered tables are visible again, and DELETE removes rows physically",
            "Data, columns, indexes and views stay. softdelete.register() takes the tables on again, with "
            "their deletions.");
    } else if (!spi.query_kept("SELECT FROM softdelete_internal.archive LIMIT 1").empty()) {
        pg::warn("rows of tables with an archive are no longer archived, and DELETE removes them for good",
                 "Archives and views stay. softdelete.register() takes the tables on again, with what is "
                 "archived.");
    }
    if (!spi.query_kept("SELECT FROM softdelete_internal.tracked_table LIMIT 1").empty()) {
        pg::warn("changes of tables with a history are no longer recorded",
                 "The histories stay, as plain tables.");
    }
}

} // namespace softdelete::ddl
