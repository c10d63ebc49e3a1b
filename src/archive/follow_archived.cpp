// Acts as the tables' owners, as DDL of ours.
#include "archive/follow_archived.hpp"

#include "archive/archive_readers.hpp"
#include "catalog/table_info.hpp"
#include "catalog/trigger_catalog.hpp"
#include "model/trigger_names.hpp"
#include "pg/scopes.hpp"
#include "registration/run_steps.hpp"
#include "registry/archive_scan.hpp"
#include "registry/registry_scan.hpp"
#include "session/registered_table.hpp"
#include "session/utility_commands.hpp"
#include "sqltext/table_statements.hpp"

extern "C" {
#include "utils/guc.h"
#include "utils/rls.h"
}

namespace softdelete::archive {

namespace {

constexpr const char *lost_query = R"(
    SELECT '"' || d.address_names[2] || '"', pg_catalog.format('%I.%I', n.nspname, c.relname)
    FROM softdelete_internal.archive a
    JOIN pg_catalog.pg_event_trigger_dropped_objects() d
        ON d.objid = a.archive::pg_catalog.oid AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
    JOIN pg_catalog.pg_class c ON c.oid = a.relation
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LIMIT 1)";

// Views of tables that are there still, and columns of theirs or of their archives that the views may have lacked.
constexpr const char *lost_parts_query = R"(
    SELECT d.object_type, d.address_names[2], c.relname
    FROM pg_catalog.pg_event_trigger_dropped_objects() d
    JOIN pg_catalog.pg_namespace n ON n.nspname = d.address_names[1]
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
    JOIN softdelete_internal.archive a ON a.relation = c.oid
    WHERE d.object_type = 'view' AND NOT d.original AND d.address_names[2] IN (a.active_view, a.deleted_view, a.all_view)
    UNION ALL
    SELECT 'column', d.address_names[3], p.relname
    FROM pg_catalog.pg_event_trigger_dropped_objects() d
    JOIN pg_catalog.pg_class p ON p.oid = d.objid
    CROSS JOIN LATERAL (SELECT coalesce(pg_catalog.pg_partition_root(p.oid)::pg_catalog.oid, p.oid)) AS r (oid)
    JOIN softdelete_internal.archive a ON r.oid IN (a.relation::pg_catalog.oid, a.archive::pg_catalog.oid)
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid <> 0 AND NOT d.original
    ORDER BY 1 DESC, 2, 3
    LIMIT 1)";

// Tables of which a policy has gone that their archives have as well.
constexpr const char *unpoliced_query = R"(
    SELECT DISTINCT a.relation::pg_catalog.oid
    FROM pg_catalog.pg_event_trigger_dropped_objects() d
    JOIN pg_catalog.pg_namespace n ON n.nspname = d.address_names[1]
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = d.address_names[2]
    JOIN softdelete_internal.archive a ON a.relation = c.oid AND a.admin_roles <> '{}'
    WHERE d.object_type = 'policy')";

constexpr const char *orphans_query = R"(
    SELECT c.oid, c.relowner, pg_catalog.format('%I.%I', n.nspname, c.relname)
    FROM softdelete_internal.archive a
    JOIN pg_catalog.pg_class c ON c.oid = a.archive
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class o WHERE o.oid = a.relation)
    ORDER BY 3)";

void check_no_archive_lost(pg::Spi &spi) {
    std::vector<pg::Row> lost;
    {
        pg::UserScope owner(pg::get_extension_owner());
        lost = spi.query(lost_query);
    }
    if (!lost.empty()) {
        pg::raise({.sqlstate = ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
                   .message = sqltext::format("cannot drop table %1%, which is the archive of %2%",
                                              lost.front().text(0), lost.front().text(1)),
                   .hint = sqltext::format("Run SELECT * FROM softdelete.unregister(%1%, 'purge').",
                                           sqltext::Literal(pg::quote_literal(lost.front().text(1))))});
    }
}

// ALTER TABLE ... DROP COLUMN takes the views and the archive along.
void check_no_part_lost(pg::Spi &spi) {
    std::vector<pg::Row> lost;
    {
        pg::UserScope owner(pg::get_extension_owner());
        lost = spi.query(lost_parts_query);
    }
    if (!lost.empty()) {
        pg::raise(
            {.sqlstate = ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
             .message = sqltext::format("cannot drop %1% \"%2%\" of registered table \"%3%\" by CASCADE",
                                        lost.front().text(0), lost.front().text(1), lost.front().text(2)),
             .hint = "Drop the column that needs the object first, by ALTER TABLE ... DROP COLUMN."});
    }
}

void follow_dropped_policies(pg::Spi &spi) {
    std::vector<pg::Row> tables;
    {
        pg::UserScope owner(pg::get_extension_owner());
        tables = spi.query(unpoliced_query);
    }
    for (const pg::Row &table : tables) {
        bring_policies_in_step(spi, table.oid(0));
    }
}

constexpr const char *whose_table_is_gone =
    " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = k.relation)";

constexpr const char *archive_query = R"(
    SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
    FROM softdelete_internal.archive a
    CROSS JOIN LATERAL pg_catalog.pg_partition_tree(a.archive) p
    JOIN pg_catalog.pg_class c ON c.oid = p.relid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE a.relation = $1::pg_catalog.oid
    ORDER BY p.level, 1)";

} // namespace

std::vector<std::string> find_archive_tables(pg::Spi &spi, Oid table) {
    std::vector<std::string> names;
    pg::UserScope owner(pg::get_extension_owner());
    for (const pg::Row &row : spi.query(archive_query, {table})) {
        names.push_back(row.text(0));
    }
    return names;
}

bool has_archives() {
    return registry::has_rows("archive");
}

void complete_triggers(pg::Spi &spi, Oid relation) {
    catalog::Table table = catalog::get_table_definition(spi, relation);
    ArchiveWork work = {spi, table, {}};
    plan_triggers(work);
    registration::run_steps(spi, work.steps);
}

void follow_policy(Oid relation) {
    pg::Spi spi;
    bring_policies_in_step(spi, relation);
}

void release_member(Oid relation) {
    bool is_member = pg::call([&] {
        return OidIsValid(registry::find_archived_relation(relation))
               || session::is_registered_table(relation);
    });
    if (is_member || !pg::call([&] { return session::has_trigger(relation, model::truncate_trigger); })) {
        return;
    }
    pg::Spi spi;
    catalog::Table table = catalog::get_table_definition(spi, relation);
    session::OwnDdlScope own_ddl;
    for (const catalog::Member &member : table.members) {
        pg::UserScope owner(table.owner);
        for (const char *name : {model::archive_trigger, model::truncate_trigger}) {
            if (!member.is_partition && catalog::find_own_trigger(spi, member.oid, name)) {
                spi.execute(sqltext::drop_trigger(member.qualified, sqltext::Identifier(name)).text());
            }
        }
    }
}

bool follow_dropped() {
    pg::Spi spi;
    if (row_security) { // pg_restore --clean drops both, the one after the other
        check_no_archive_lost(spi);
        check_no_part_lost(spi);
        follow_dropped_policies(spi);
    }
    std::vector<pg::Row> orphans;
    {
        pg::UserScope owner(pg::get_extension_owner());
        // A statement that deletes nothing would have all sessions look anew at what they know of registered tables.
        if (spi.query("SELECT FROM softdelete_internal.archive k" + std::string(whose_table_is_gone))
                .empty()) {
            return false;
        }
        orphans = spi.query(orphans_query);
        spi.execute("DELETE FROM softdelete_internal.archive k" + std::string(whose_table_is_gone));
    }
    session::OwnDdlScope own_ddl;
    for (const pg::Row &orphan : orphans) {
        pg::UserScope owner(orphan.oid(1));
        for (const std::string &command : make_guard_drops(spi, orphan.oid(0))) {
            spi.execute(command);
        }
        pg::notice(
            sqltext::format("the archive %1% of the dropped table stays, as a plain table", orphan.text(2)));
    }
    return true;
}

} // namespace softdelete::archive
