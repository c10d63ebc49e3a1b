// One DELETE of the row itself: its descendants go as foreign keys take them along, and links of SET NULL and SET DEFAULT
// are dissolved, by the server.
#include "erasure/erase_row.hpp"

#include "erasure/clear_subject.hpp"
#include "erasure/remove_rows.hpp"
#include "erasure/reset_statistics.hpp"
#include "holds/held_rows.hpp"
#include "holds/hold_graph.hpp"
#include "pg/physical_rows.hpp"
#include "pg/scopes.hpp"
#include "registry/erasure_log.hpp"
#include "registry/hold_log.hpp"
#include "rows/named_row.hpp"
#include "rows/physical_tree.hpp"

#include <boost/format.hpp>

namespace softdelete::commands {

namespace {

// What a rule or trigger updated meanwhile is another version of the row.
RowSet follow_updates(const RowSet &rows) {
    RowSet newest;
    for (const auto &[relation, part] : group_by_table(rows)) {
        std::vector<ItemPointerData> positions;
        for (const RowSet::RowId &row : part.ids()) {
            positions.push_back(get_position(row));
        }
        pg::call([&, table = relation] { pg::follow_updates(table, positions.data(), positions.size()); });
        for (const ItemPointerData &position : positions) {
            newest.add(make_row_id(relation, &position));
        }
    }
    return newest;
}

[[noreturn]] void raise_not_removed(const catalog::TableInfo &table) {
    pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
               .message = (boost::format("not all rows of table %1% could be removed") % table.title).str(),
               .detail = "A trigger or rule of the table kept rows. Nothing was removed.",
               .hint = "Disable the trigger or rule, or let it pass rows that are erased.",
               .relation = table.relation});
}

void check_gone(pg::Spi &spi, const TreeTable &member) {
    RowSet rows = follow_updates(member.rows);
    std::string query =
        (boost::format("/* softdelete */ SELECT FROM %1% AS t WHERE %2% AND %3% LIMIT 1") % member.table.name
         % see_all(member.table, "t") % make_membership(member.table, "t", 1))
            .str();
    pg::OwnerScope owner(member.table.owner);
    if (!spi.query(query, {rows.tables(), rows.positions()}).empty()) {
        raise_not_removed(member.table);
    }
}

void remove_tree(pg::Spi &spi, const catalog::TableInfo &table, const RowSet &rows, const RowTree &tree) {
    try {
        RemovalScope scope(tree.all);
        if (remove_rows(spi, table, rows) != rows.size()) {
            raise_not_removed(table);
        }
    } catch (pg::ServerError &error) {
        error.clear_context();
        throw;
    }
    for (const auto &[relation, member] : tree.tables) {
        check_gone(spi, member);
    }
}

} // namespace

std::string erase_row(Oid relation, const std::optional<std::string> &reason,
                      const std::vector<std::string> &key) {
    pg::Spi spi;
    check_reason(reason, key);
    catalog::TableInfo table = get_owned_table(spi, relation);
    pg::call([] { catalog::lock_holds(catalog::HoldLock::exclusive); });
    SubjectRow row = get_subject_row(spi, table, key, SubjectLock::for_update);
    check_reason(reason, row.key);
    RowTree tree = collect_tree(spi, row.rows);
    for (const auto &[oid, member] : tree.tables) {
        check_held_rows(spi, member.table, member.rows, "erase");
    }
    std::vector<std::string> deletions = find_own_deletions(spi, tree);
    std::vector<std::string> holds = find_released_holds(spi, tree);
    std::set<Oid> touched = tree.get_relations();
    touched.insert(tree.linked.begin(), tree.linked.end());
    remove_tree(spi, table, row.rows, tree);
    catalog::clear_deletions(spi, deletions);
    catalog::clear_holds(spi, holds);
    reset_statistics(spi, touched);
    return catalog::insert_erasure(spi, table, {"erase", *reason, tree.count(spi), row.key});
}

} // namespace softdelete::commands
