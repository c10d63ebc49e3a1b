// Makes DROP EXTENSION leave views and row security behind: redefines the views without softdelete.include_deleted()
// and drops our policies. The event trigger of DROP EXTENSION calls it.
#include "ddl/leave_extension.hpp"

#include "pg/quote.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "pg/transactions.hpp"
#include "session/distributed_tables.hpp"
#include "session/utility_commands.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "nodes/parsenodes.h"
#include "nodes/value.h"
}

#include <cstring>

namespace softdelete::ddl {

namespace {

constexpr const char *all_views_query = R"(
    SELECT c.oid, c.relowner, pg_catalog.format('%I.%I', n.nspname, c.relname),
           (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum)
            FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0),
           pg_catalog.array_to_string(c.reloptions, ', '), pg_catalog.format('%I.%I', n.nspname, t.relname),
           t.oid, a.oid, CASE WHEN a.oid IS NOT NULL THEN pg_catalog.format('%I.%I', an.nspname, a.relname) END,
           (SELECT pg_catalog.array_agg(pg_catalog.format_type(v.atttypid, v.atttypmod) ORDER BY v.attnum)
            FROM pg_catalog.pg_attribute v WHERE v.attrelid = c.oid AND v.attnum > 0)
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_proc p ON p.oid = d.refobjid AND p.proname = 'include_deleted'
    JOIN pg_catalog.pg_namespace pn ON pn.oid = p.pronamespace AND pn.nspname = 'softdelete'
    JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
    JOIN pg_catalog.pg_class c ON c.oid = r.ev_class AND c.relkind = 'v'
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN softdelete_internal.registration g ON g.all_view = c.relname
    JOIN pg_catalog.pg_class t ON t.oid = g.relation AND t.relnamespace = c.relnamespace
    LEFT JOIN (softdelete_internal.archive k JOIN pg_catalog.pg_class a ON a.oid = k.archive
               JOIN pg_catalog.pg_namespace an ON an.oid = a.relnamespace) ON k.relation = g.relation
    WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
      AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    ORDER BY 1)";

constexpr const char *tables_query = R"(
    SELECT g.relation::pg_catalog.oid FROM softdelete_internal.registration g
    UNION SELECT k.relation FROM softdelete_internal.archive k
    UNION SELECT h.relation FROM softdelete_internal.tracked_table h
    ORDER BY 1)";

// Those that are on their way from one strategy to the other.
constexpr const char *between_query = R"(
    SELECT t.relname, a.relname FROM softdelete_internal.archive k
    JOIN softdelete_internal.registration g ON g.relation = k.relation
    JOIN pg_catalog.pg_class t ON t.oid = k.relation
    JOIN pg_catalog.pg_class a ON a.oid = k.archive
    ORDER BY t.relname, t.oid)";

// The columns of the table that the view shows, in its order.
std::string list_columns(const pg::SimpleView &view) {
    std::string list;
    for (const auto &[name, column] : view.columns) {
        list += (list.empty() ? "" : ", ") + pg::quote_identifier(column);
    }
    return list;
}

// What shows all rows without a condition; empty where the view is none of ours.
std::string make_select(const pg::Row &view) {
    pg::SimpleView shown = pg::read_view(view.oid(0));
    if (shown.is_simple) {
        return sqltext::format("SELECT %1% FROM %2%", list_columns(shown), view.text(5));
    }
    std::string marked;
    std::string archived;
    const std::vector<std::string> types = view.array(9);
    std::size_t number = 0;
    if (!view.is_null(7)) { // the table is between the strategies
        for (const pg::UnionColumn &column : pg::read_union(view.oid(0), view.oid(6), view.oid(7))) {
            if (column.first.empty() || column.second.empty()) {
                return "";
            }
            marked += (marked.empty() ? "" : ", ") + pg::quote_identifier(column.first);
            // The archive has the types under domains, without modifiers.
            archived +=
                (archived.empty() ? "" : ", ")
                + sqltext::format("CAST(%1% AS %2%)", pg::quote_identifier(column.second), types.at(number));
            number++;
        }
    }
    return marked.empty() ? ""
                          : sqltext::format("SELECT %1% FROM %2% UNION ALL SELECT %3% FROM %4%", marked,
                                            view.text(5), archived, view.text(8));
}

void warn_of_tables_between(pg::Spi &spi) {
    for (const pg::Row &table : spi.query_kept(between_query)) {
        pg::warn(sqltext::format(
                     "the deleted rows of table \"%1%\" stay in two places: in the table, and in \"%2%\"",
                     table.text(0), table.text(1)),
                 sqltext::format(
                     "softdelete.register() does not take on both. To end the change of strategy before, "
                     "roll back, and call softdelete.change_strategy() for table \"%1%\".",
                     table.text(0)));
    }
}

} // namespace

bool drops_softdelete(const Node *statement) {
    const auto *drop = reinterpret_cast<const DropStmt *>(statement);
    if (!IsA(statement, DropStmt) || drop->removeType != OBJECT_EXTENSION) {
        return false;
    }
    ListCell *cell;
    foreach (cell, drop->objects) {
        if (strcmp(strVal(lfirst(cell)), "softdelete") == 0) {
            return true;
        }
    }
    return false;
}

void lock_tables_to_leave() {
    pg::Spi spi;
    pg::UserScope owner(pg::get_extension_owner());
    {
        pg::Subtransaction
            wait; // gives the lock back: with none of ours nobody waits for it who has what we come to
        spi.execute("LOCK TABLE softdelete_internal.registration, softdelete_internal.archive, "
                    "softdelete_internal.tracked_table IN SHARE MODE");
    }
    for (const pg::Row &table : spi.query_kept(tables_query)) {
        (void)pg::lock_if_there(table.oid(0), pg::Lock::access_share);
    }
}

namespace {

// The views of tables of Citus on a worker, which has no registry: what all_views_query tells of them.
constexpr const char *workers_views_query = R"(
    SELECT DISTINCT c.oid, c.relowner, pg_catalog.format('%I.%I', n.nspname, c.relname),
           (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum)
            FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0),
           pg_catalog.array_to_string(c.reloptions, ', '), pg_catalog.format('%I.%I', tn.nspname, t.relname),
           t.oid, NULL::pg_catalog.oid, NULL::pg_catalog.text, NULL::pg_catalog.text[]
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_proc p ON p.oid = d.refobjid AND p.proname = 'include_deleted'
    JOIN pg_catalog.pg_namespace pn ON pn.oid = p.pronamespace AND pn.nspname = 'softdelete'
    JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
    JOIN pg_catalog.pg_class c ON c.oid = r.ev_class AND c.relkind = 'v'
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_depend dt ON dt.classid = d.classid AND dt.objid = r.oid
      AND dt.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND dt.refobjid <> c.oid
    JOIN pg_catalog.pg_class t ON t.oid = dt.refobjid AND t.relnamespace = c.relnamespace
    JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
    JOIN pg_catalog.pg_trigger m ON m.tgrelid = t.oid AND m.tgname = 'softdelete_marker'
    WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
      AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    ORDER BY 1)";

// Citus takes no trigger that depends on an extension, so that those on its tables and on shards are dropped by name.
constexpr const char *distributed_triggers_query = R"(
    SELECT t.tgrelid, c.relowner, pg_catalog.format('DROP TRIGGER %I ON %I.%I', t.tgname, n.nspname, c.relname),
      COALESCE(t.tgname LIKE '%\_' || pg_catalog.substring(c.relname, '[0-9]+$'), false)
    FROM pg_catalog.pg_trigger t
    JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
    JOIN pg_catalog.pg_namespace o ON o.oid = p.pronamespace AND o.nspname = 'softdelete_internal'
    JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT t.tgisinternal AND t.tgparentid = 0
    ORDER BY t.tgrelid, t.tgname)";

void leave_distributed(pg::Spi &spi) {
    for (const pg::Row &row : spi.query(distributed_triggers_query)) {
        const Oid relation = row.oid(0);
        if (row.boolean(3) || pg::call([&] { return session::is_distributed(relation); })) {
            pg::UserScope owner(row.oid(1));
            spi.execute(row.text(2));
        }
    }
}

} // namespace

void leave_views() {
    pg::Spi spi;
    session::OwnDdlScope own_ddl;
    pg::SettingScope settings;
    const bool is_citus = pg::call([] { return session::is_citus_loaded(); });
    if (is_citus) {
        // Citus drops the extension on all nodes, where each sees to what it has, also to shards that were left behind.
        settings.set("citus.enable_ddl_propagation", "off");
        settings.set("citus.override_table_visibility", "off");
        settings.set("citus.enable_manual_changes_to_shards", "on");
    }
    const bool is_worker = is_citus && !pg::call([] { return session::is_coordinator(); });
    for (const pg::Row &view : is_worker ? spi.query(workers_views_query) : spi.query_kept(all_views_query)) {
        std::string select = make_select(view);
        if (select.empty()) {
            continue; // a view of the user's, at which DROP EXTENSION stops
        }
        std::string options = view.text_or(4, "");
        std::string command =
            sqltext::format("CREATE OR REPLACE VIEW %1% (%2%)%3% AS %4%", view.text(2), view.text(3),
                            (options.empty() ? "" : " WITH (" + options + ")"), select);
        pg::UserScope owner(view.oid(1));
        spi.execute(command);
    }
    if (is_citus) {
        leave_distributed(spi);
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
    warn_of_tables_between(spi);
    if (!spi.query_kept("SELECT FROM softdelete_internal.tracked_table LIMIT 1").empty()) {
        pg::warn("changes of tables with a history are no longer recorded",
                 "The histories stay, as plain tables.");
    }
}

} // namespace softdelete::ddl
