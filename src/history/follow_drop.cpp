// Asks the server's list of what was dropped. What is refused comes back with the command's transaction.
#include "history/follow_drop.hpp"

#include "history/history_triggers.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "session/utility_commands.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "utils/guc.h"
#include "utils/rls.h"
}

namespace softdelete::history {

namespace {

constexpr const char *lost_query = R"(
    SELECT '"' || d.address_names[2] || '"', pg_catalog.format('%I.%I', n.nspname, c.relname)
    FROM softdelete_internal.tracked_table t
    JOIN pg_catalog.pg_event_trigger_dropped_objects() d
        ON d.objid = t.history::pg_catalog.oid AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
    JOIN pg_catalog.pg_class c ON c.oid = t.relation
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LIMIT 1)";

// Columns of tables that are there still. What a history leaves out it does not lose.
constexpr const char *lost_columns_query = R"(
    SELECT d.address_names[3], d.address_names[2], t.history::pg_catalog.oid = r.oid, pg_catalog.format('%I.%I', n.nspname, c.relname)
    FROM pg_catalog.pg_event_trigger_dropped_objects() d
    JOIN pg_catalog.pg_class p ON p.oid = d.objid
    CROSS JOIN LATERAL (SELECT coalesce(pg_catalog.pg_partition_root(p.oid)::pg_catalog.oid, p.oid)) AS r (oid)
    JOIN softdelete_internal.tracked_table t ON r.oid IN (t.relation::pg_catalog.oid, t.history::pg_catalog.oid)
    JOIN pg_catalog.pg_class c ON c.oid = t.relation
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid <> 0
      AND (r.oid = t.history::pg_catalog.oid
           OR EXISTS (SELECT FROM softdelete_internal.history_column h WHERE h.relation = t.relation AND h.until IS NULL
                      AND h.column_name = d.address_names[3]::pg_catalog.name))
    ORDER BY 3 DESC, 2, 1 LIMIT 1)";

constexpr const char *orphans_query = R"(
    SELECT t.relation::pg_catalog.oid, c.oid, c.relowner, CASE WHEN c.oid IS NULL THEN '' ELSE pg_catalog.format('%I.%I', n.nspname, c.relname) END
    FROM softdelete_internal.tracked_table t
    LEFT JOIN pg_catalog.pg_class c ON c.oid = t.history
    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class o WHERE o.oid = t.relation))";

void check_no_column_lost(pg::Spi &spi) {
    std::vector<pg::Row> lost;
    {
        pg::UserScope owner(pg::get_extension_owner());
        lost = spi.query(lost_columns_query);
    }
    if (lost.empty()) {
        return;
    }
    const pg::Row &column = lost.front();
    if (column.boolean(2)) {
        pg::raise({.sqlstate = ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
                   .message = sqltext::format(
                       "cannot drop column \"%1%\" of table \"%2%\", which is the history of %3%",
                       column.text(0), column.text(1), column.text(3)),
                   .detail = "The values that the history has there would be lost.",
                   .hint = sqltext::format("Run SELECT softdelete.untrack_history(%1%, 'drop') first.",
                                           pg::quote_literal(column.text(3)))});
    }
    pg::raise({.sqlstate = ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
               .message = sqltext::format(
                   "cannot drop column \"%1%\" of table \"%2%\", which has a history, by what it "
                   "depends on",
                   column.text(0), column.text(1)),
               .detail = "The history would not know its last values.",
               .hint = "Drop the column by ALTER TABLE first, which keeps them."});
}

void check_no_history_lost(pg::Spi &spi) {
    std::vector<pg::Row> lost;
    {
        pg::UserScope owner(pg::get_extension_owner());
        lost = spi.query(lost_query);
    }
    if (!lost.empty()) {
        pg::raise({.sqlstate = ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
                   .message = sqltext::format("cannot drop table %1%, which is the history of %2%",
                                              lost.front().text(0), lost.front().text(1)),
                   .hint = sqltext::format("Run SELECT softdelete.untrack_history(%1%, 'drop').",
                                           pg::quote_literal(lost.front().text(1)))});
    }
}

} // namespace

bool follow_drop() {
    pg::Spi spi;
    if (row_security) { // pg_restore --clean drops everything, in an order of its own
        check_no_history_lost(spi);
        check_no_column_lost(spi);
    }
    std::vector<pg::Row> orphans;
    {
        pg::UserScope owner(pg::get_extension_owner());
        orphans = spi.query(orphans_query);
        for (const char *table : {"tracked_table", "history_column"}) {
            spi.execute(std::string("DELETE FROM softdelete_internal.") + table
                        + " k WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = k.relation)");
        }
    }
    session::OwnDdlScope own_ddl;
    for (const pg::Row &orphan : orphans) {
        if (!orphan.is_null(1)) {
            pg::UserScope owner(orphan.oid(2));
            drop_guard(spi, orphan.oid(1));
            pg::notice(sqltext::format("the history %1% of the dropped table stays, as a plain table",
                                       orphan.text(3)));
        }
    }
    return !orphans.empty();
}

} // namespace softdelete::history
