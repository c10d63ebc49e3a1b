// Clears what our own tables say of erased or anonymized rows: actor and reason of their deletions, keys of holds.
// Called by erase() and anonymize(). Deletions that hold other subjects' rows as well keep their actor and reason.
#include "erasure/clear_subject.hpp"
#include "sqltext/format.hpp"

#include "deletion/deletion_tables.hpp"
#include "holds/hold_graph.hpp"
#include "pg/scopes.hpp"
#include "registry/archive_scan.hpp"

#include <algorithm>
#include <set>

namespace softdelete::erasure {

namespace {

bool is_known(pg::Spi &spi, const std::string &deletion) {
    pg::UserScope owner(pg::get_extension_owner());
    return !spi.query("SELECT FROM softdelete_internal.deletion WHERE id = $1::pg_catalog.int8", {deletion})
                .empty();
}

bool holds_others(pg::Spi &spi, const rows::RowTree &tree, const std::string &deletion) {
    const deletion::DeletionTables tables =
        deletion::get_deletion_tables(spi, std::stoll(deletion), deletion::DeletionLock::none);
    for (const catalog::TableInfo &table : tables.marked) {
        std::string query = sqltext::format("/* softdelete */ SELECT FROM %1% AS t WHERE t.deletion_id = "
                                            "$3::pg_catalog.int8 AND t.%2% IS NOT NULL AND %3% LIMIT 1",
                                            table.name, table.deleted_at, rows::make_exclusion("t", 1));
        pg::OwnerScope owner(table.owner);
        if (!spi.query(query, {tree.all.tables(), tree.all.positions(), deletion}).empty()) {
            return true;
        }
    }
    return std::any_of(tables.archived.begin(), tables.archived.end(), [&](const catalog::TableInfo &table) {
        std::string query = sqltext::format("/* softdelete */ SELECT FROM %1% AS t WHERE t.deletion_id = "
                                            "$3::pg_catalog.int8 AND %2% LIMIT 1",
                                            table.archive->name, rows::make_exclusion("t", 1));
        pg::OwnerScope owner(table.owner);
        return !spi.query(query, {tree.all.tables(), tree.all.positions(), deletion}).empty();
    });
}

} // namespace

std::set<std::string> find_deletions(pg::Spi &spi, const rows::TreeTable &member) {
    std::set<std::string> found;
    Oid archived = pg::call([&] { return registry::find_table_of_archive(member.table.relation); });
    if (!member.table.is_registered && !OidIsValid(archived)) {
        return found;
    }
    std::string query = sqltext::format(
        "/* softdelete */ SELECT DISTINCT t.deletion_id FROM %1% AS t WHERE %2% "
        "AND %3% AND t.deletion_id IS NOT NULL",
        member.table.name, rows::see_all(member.table, "t"), rows::make_membership(member.table, "t", 1));
    pg::OwnerScope owner(member.table.owner);
    for (const pg::Row &row : spi.query(query, {member.rows.tables(), member.rows.positions()})) {
        found.insert(row.text(0));
    }
    return found;
}

std::vector<std::string> find_own_deletions(pg::Spi &spi, const rows::RowTree &tree) {
    std::set<std::string> all;
    for (const auto &[relation, member] : tree.tables) {
        all.merge(find_deletions(spi, member));
    }
    std::vector<std::string> own;
    for (const std::string &deletion : all) {
        if (is_known(spi, deletion) && !holds_others(spi, tree, deletion)) {
            own.push_back(deletion);
        }
    }
    return own;
}

std::vector<std::string> find_released_holds(pg::Spi &spi, const rows::RowSet &all) {
    holds::HoldGraph graph(spi, registry::find_released_holds(spi));
    std::vector<std::string> holds;
    for (const auto &[relation, rows] : rows::group_by_table(all)) {
        for (std::int64_t hold : graph.find_ids(spi, graph.get_node(spi, relation), rows)) {
            holds.push_back(std::to_string(hold));
        }
    }
    return holds;
}

} // namespace softdelete::erasure
