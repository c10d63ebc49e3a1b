// Finds triggers of ours on a table and its members, in pg_trigger. Called where registration, unregistration and new
// members compare what is there with what should be.
#include "catalog/trigger_catalog.hpp"

extern "C" {
#include "catalog/pg_trigger.h"
}

namespace softdelete::catalog {

std::optional<OwnTrigger> find_own_trigger(pg::Spi &spi, Oid relation, const std::string &name) {
    pg::OwnerScope owner(pg::get_extension_owner());
    auto rows = spi.query_kept("SELECT pg_get_triggerdef(t.oid), t.tgenabled = 'A',"
                               " EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_trigger'::regclass"
                               "  AND d.objid = t.oid AND d.deptype = 'x')"
                               " FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
                               " JOIN pg_namespace n ON n.oid = p.pronamespace"
                               " WHERE t.tgrelid = $1::oid AND t.tgname = $2::name"
                               " AND n.nspname = 'softdelete_internal' AND p.proname IN ('on_delete', "
                               "'on_truncate', 'on_update', 'check_written', 'on_archived_delete')",
                               {relation, name});
    if (rows.empty()) {
        return std::nullopt;
    }
    return OwnTrigger{rows.front().text(0), rows.front().boolean(1), rows.front().boolean(2)};
}

bool has_before_row_trigger(pg::Spi &spi, Oid relation, int events) {
    return !spi.query_kept(
                   "WITH RECURSIVE line (relation) AS ("
                   "SELECT $1::pg_catalog.oid"
                   " UNION SELECT c.oid FROM line l"
                   " JOIN pg_catalog.pg_inherits h ON h.inhparent = l.relation"
                   " JOIN pg_catalog.pg_class c ON c.oid = h.inhrelid AND c.relispartition)"
                   " SELECT FROM line l JOIN pg_catalog.pg_trigger t ON t.tgrelid = l.relation"
                   " JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid"
                   " JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
                   " WHERE t.tgtype & $2::pg_catalog.int4 = $2::pg_catalog.int4 AND t.tgtype & "
                   "$3::pg_catalog.int4 <> 0"
                   " AND n.nspname <> 'softdelete_internal' LIMIT 1",
                   {relation, std::int64_t{TRIGGER_TYPE_ROW | TRIGGER_TYPE_BEFORE}, std::int64_t{events}})
                .empty();
}

bool has_foreign_trigger(pg::Spi &spi, Oid relation, const std::string &name) {
    return !spi.query_kept(
                   "SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = $1::pg_catalog.oid"
                   " AND t.tgname = $2::pg_catalog.name AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc p"
                   " JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
                   " WHERE p.oid = t.tgfoid AND n.nspname = 'softdelete_internal')",
                   {relation, name})
                .empty();
}

std::vector<std::string> find_renamed_triggers(pg::Spi &spi, Oid relation) {
    std::vector<std::string> names;
    for (const pg::Row &row : spi.query_kept(
             "SELECT t.tgname FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid"
             " JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
             " WHERE t.tgrelid = $1::pg_catalog.oid AND t.tgparentid = 0"
             " AND n.nspname = 'softdelete_internal' AND NOT CASE p.proname"
             " WHEN 'on_delete' THEN t.tgname = 'softdelete_marker'"
             " WHEN 'on_truncate' THEN t.tgname = 'softdelete_truncate'"
             " WHEN 'on_update' THEN t.tgname = 'softdelete_update'"
             " WHEN 'check_written' THEN t.tgname = 'softdelete_written'"
             " WHEN 'lock_row' THEN t.tgname = 'softdelete_lock'"
             " WHEN 'collect_deleted' THEN t.tgname IN ('softdelete_collect', 'softdelete_collect_moved')"
             " ELSE true END ORDER BY t.tgname",
             {relation})) {
        names.push_back(row.text(0));
    }
    return names;
}

} // namespace softdelete::catalog
