// One DELETE of the row itself: its descendants go as foreign keys take them along, and links of SET NULL and SET DEFAULT
// are dissolved, by the server.
#include "commands/erase_row.hpp"

#include "catalog/erasure_log.hpp"
#include "catalog/hold_log.hpp"
#include "commands/forget_subject.hpp"
#include "commands/held_rows.hpp"
#include "commands/removal.hpp"
#include "commands/reset_statistics.hpp"
#include "commands/row_tree.hpp"
#include "commands/subject_row.hpp"
#include "pg/scopes.hpp"

#include <boost/format.hpp>

namespace softdelete::commands {

namespace {

void check_gone(pg::Spi &spi, const TreeTable &member) {
    std::string query =
        (boost::format("/* softdelete */ SELECT FROM %1% AS t WHERE %2% AND %3% LIMIT 1") % member.table.name
         % see_all(member.table, "t") % make_membership(member.table, "t", 1))
            .str();
    pg::OwnerScope owner(member.table.owner);
    if (!spi.query(query, {member.rows.tables(), member.rows.positions()}).empty()) {
        pg::raise(
            {.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
             .message =
                 (boost::format("not all rows of table %1% could be removed") % member.table.title).str(),
             .detail = "A trigger of the table kept rows. Nothing was removed.",
             .hint = "Disable the trigger, or let it pass rows that are erased.",
             .relation = member.table.relation});
    }
}

void remove_tree(pg::Spi &spi, const catalog::TableInfo &table, const RowSet &rows, const RowTree &tree) {
    try {
        RemovalScope scope(tree.all);
        (void)remove_rows(spi, table, rows);
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
