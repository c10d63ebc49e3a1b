// The log does not say which rows a deletion took: those that it still holds have its id, and of others the histories of its
// tables tell. Called by erase() and anonymize(), and by the anonymization of rows whose retention has passed.
#include "erasure/former_deletions.hpp"

#include "catalog/table_info.hpp"
#include "history/check_tracking.hpp"
#include "pg/scopes.hpp"
#include "sqltext/format.hpp"

#include <map>

namespace softdelete::erasure {

namespace {

constexpr const char *restored_deletions = "actor and reason of deletions that were restored";

using catalog::TableInfo;

// SQL: each table that a deletion of the log d touched.
constexpr const char *touched_sql =
    "(SELECT d.relation::pg_catalog.oid UNION SELECT pg_catalog.unnest(d.further_relations)::pg_catalog.oid "
    "UNION SELECT "
    "t.relation::pg_catalog.oid FROM softdelete_internal.deletion_table t WHERE t.deletion_id = d.id)";

// SQL: somebody is named there.
constexpr const char *names_somebody = "(d.deleted_by IS NOT NULL OR d.reason IS NOT NULL)";

using Touched =
    std::map<Oid,
             std::vector<std::string>>; // by the table that is registered, or has the archive or the history

// Inheritance children and partitions are parts of their parents.
constexpr sqltext::Pattern touched_query(R"(
    WITH RECURSIVE line (deletion, relation) AS (
        SELECT d.id, t.relation FROM softdelete_internal.deletion d CROSS JOIN LATERAL %1% AS t (relation)
        WHERE d.id = ANY ($1::pg_catalog.int8[])
        UNION SELECT l.deletion, h.inhparent FROM pg_catalog.pg_inherits h JOIN line l ON h.inhrelid = l.relation)
    SELECT l.relation, l.deletion FROM line l
    WHERE EXISTS (SELECT FROM softdelete_internal.%2% r WHERE r.relation = l.relation::pg_catalog.oid)
      AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = l.relation)
    ORDER BY 1, 2)");

Touched find_touched(pg::Spi &spi, const std::vector<std::string> &deletions, const char *registry) {
    pg::UserScope owner(pg::get_extension_owner());
    Touched touched;
    for (const pg::Row &row :
         spi.query(sqltext::format(touched_query, touched_sql, registry), {pg::make_array(deletions)})) {
        touched[row.oid(0)].push_back(row.text(1));
    }
    return touched;
}

// Of an archive all rows are deleted ones.
void add_held(pg::Spi &spi, const TableInfo &table, const std::vector<std::string> &deletions,
              std::set<std::string> *held) {
    const std::string query = sqltext::format(
        "/* softdelete */ SELECT DISTINCT t.deletion_id FROM %1% AS t WHERE t.deletion_id = ANY "
        "($1::pg_catalog.int8[])%2%",
        table.name, table.deleted_at.empty() ? "" : " AND t." + table.deleted_at + " IS NOT NULL");
    pg::OwnerScope owner(table.owner);
    for (const pg::Row &row : spi.query(query, {pg::make_array(deletions)})) {
        held->insert(row.text(0));
    }
}

std::vector<std::string> find_logged(pg::Spi &spi, const std::set<std::string> &deletions) {
    const std::vector<std::string> ids(deletions.begin(), deletions.end());
    std::vector<std::string> logged;
    pg::UserScope owner(pg::get_extension_owner());
    for (const pg::Row &row :
         spi.query("SELECT d.id FROM softdelete_internal.deletion d WHERE d.id = ANY ($1::pg_catalog.int8[])",
                   {pg::make_array(ids)})) {
        logged.push_back(row.text(0));
    }
    return logged;
}

std::vector<std::string> without(const std::vector<std::string> &all, const std::set<std::string> &some) {
    std::vector<std::string> rest;
    for (const std::string &one : all) {
        if (!some.contains(one)) {
            rest.push_back(one);
        }
    }
    return rest;
}

// Those of which a table has no history that knows all that they did there.
constexpr sqltext::Pattern untold_query(R"(
    SELECT d.id FROM softdelete_internal.deletion d CROSS JOIN LATERAL %1% AS t (relation)
    WHERE d.id = ANY ($1::pg_catalog.int8[])
      AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = t.relation)
      AND NOT EXISTS (
          WITH RECURSIVE line (relation) AS (
              SELECT t.relation UNION SELECT h.inhparent FROM pg_catalog.pg_inherits h JOIN line l ON h.inhrelid = l.relation)
          SELECT FROM line l JOIN softdelete_internal.tracked_table k ON k.relation::pg_catalog.oid = l.relation
          WHERE k.begins_at <= d.deleted_at))");

// Entries of other rows name who deleted them.
std::set<std::string> find_others(pg::Spi &spi, const std::vector<std::string> &deletions) {
    std::set<std::string> others;
    for (const auto &[relation, its] : find_touched(spi, deletions, "tracked_table")) {
        const TableInfo history = catalog::get_table(spi, history::find_history(spi, relation));
        pg::OwnerScope owner(history.owner);
        for (const pg::Row &row :
             spi.query(sqltext::format(
                           "/* softdelete */ SELECT DISTINCT t.history_deletion_id FROM %1% AS t WHERE "
                           "t.history_deletion_id = ANY ($1::pg_catalog.int8[]) AND (t.history_actor IS "
                           "NOT NULL OR t.history_reason IS NOT NULL)",
                           history.name),
                       {pg::make_array(its)})) {
            others.insert(row.text(0));
        }
    }
    return others;
}

std::set<std::string> find_untold(pg::Spi &spi, const std::vector<std::string> &deletions) {
    std::set<std::string> untold;
    pg::UserScope owner(pg::get_extension_owner());
    for (const pg::Row &row :
         spi.query(sqltext::format(untold_query, touched_sql), {pg::make_array(deletions)})) {
        untold.insert(row.text(0));
    }
    return untold;
}

// Deletions of the table that were restored, before its history began to tell of them.
constexpr sqltext::Pattern restored_query(R"(
    SELECT FROM softdelete_internal.deletion d
    WHERE %2% AND d.deleted_at < coalesce(
        (SELECT k.begins_at FROM softdelete_internal.tracked_table k WHERE k.relation::pg_catalog.oid = $1::pg_catalog.oid), 'infinity')
      AND (d.restored_at IS NOT NULL OR d.restored IS NOT NULL
           OR EXISTS (SELECT FROM softdelete_internal.restoration r WHERE r.deletion_id = d.id))
      AND $1::pg_catalog.oid IN (SELECT t.relation FROM %1% AS t (relation))
    LIMIT 1)");

bool has_restored(pg::Spi &spi, Oid relation) {
    pg::UserScope owner(pg::get_extension_owner());
    return !spi.query(sqltext::format(restored_query, touched_sql, names_somebody), {relation}).empty();
}

} // namespace

std::vector<std::string> find_emptied(pg::Spi &spi, const std::set<std::string> &deletions) {
    const std::vector<std::string> logged =
        deletions.empty() ? std::vector<std::string>() : find_logged(spi, deletions);
    if (logged.empty()) {
        return {};
    }
    std::set<std::string> held;
    for (const auto &[relation, its] : find_touched(spi, logged, "registration")) {
        add_held(spi, catalog::get_table(spi, relation), its, &held);
    }
    for (const auto &[relation, its] : find_touched(spi, logged, "archive")) {
        const TableInfo table = catalog::get_table(spi, relation);
        if (table.archive) {
            add_held(spi, catalog::get_archive(table), its, &held);
        }
    }
    return without(logged, held);
}

FormerDeletions find_former_deletions(pg::Spi &spi, const std::set<std::string> &told,
                                      const std::set<Oid> &subjects) {
    FormerDeletions former;
    const std::vector<std::string> emptied = find_emptied(spi, told);
    if (!emptied.empty()) {
        const std::vector<std::string> alone = without(emptied, find_others(spi, emptied));
        former.own = without(alone, find_untold(spi, alone));
        if (former.own.size() < alone.size()) {
            former.not_reached.insert(restored_deletions);
        }
    }
    for (Oid relation : subjects) {
        if (has_restored(spi, relation)) {
            former.not_reached.insert(restored_deletions);
        }
    }
    return former;
}

} // namespace softdelete::erasure
