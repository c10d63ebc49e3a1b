// erase(): checks the holds, removes the row with one DELETE and logs it. Descendants go as foreign keys take them
// along; links of SET NULL and SET DEFAULT are dissolved by the server. Called by api/erasure.
#include "erasure/erase_row.hpp"
#include "sqltext/format.hpp"

#include "erasure/archived_copies.hpp"
#include "erasure/clear_subject.hpp"
#include "erasure/former_deletions.hpp"
#include "erasure/remove_rows.hpp"
#include "erasure/reset_statistics.hpp"
#include "history/check_tracking.hpp"
#include "history/lost_entries.hpp"
#include "history/overwrite_entries.hpp"
#include "holds/held_rows.hpp"
#include "holds/hold_graph.hpp"
#include "holds/hold_tables.hpp"
#include "pg/scopes.hpp"
#include "registry/erasure_log.hpp"
#include "registry/hold_log.hpp"
#include "rows/named_row.hpp"
#include "rows/newest_rows.hpp"
#include "rows/physical_tree.hpp"

namespace softdelete::erasure {

namespace {

void check_gone(pg::Spi &spi, const rows::TreeTable &member) {
    rows::RowSet rows = rows::follow_updates(member.rows);
    std::string query =
        sqltext::format("/* softdelete */ SELECT FROM %1% AS t WHERE %2% AND %3% LIMIT 1", member.table.name,
                        rows::see_all(member.table, "t"), rows::make_membership(member.table, "t", 1));
    pg::OwnerScope owner(member.table.owner);
    if (!spi.query(query, {rows.tables(), rows.positions()}).empty()) {
        rows::raise_not_removed(member.table, rows::Occasion::erasure);
    }
}

void remove_tree(pg::Spi &spi, const catalog::TableInfo &table, const rows::RowSet &rows,
                 const rows::RowTree &tree) {
    std::set<Oid> left;
    try {
        std::vector<RemovalStep> steps = find_removed_first(spi, tree);
        steps.push_back({{table, rows}});
        left = remove_rows(spi, steps, tree.all);
    } catch (pg::ServerError &error) {
        error.clear_context();
        throw;
    }
    for (const auto &[relation, member] : tree.tables) {
        check_gone(spi, member);
    }
    if (!left.empty()) {
        rows::raise_not_removed(catalog::get_table(spi, *left.begin()), rows::Occasion::erasure);
    }
}

// Of histories and of archives, by their names.
using registry::HistoryCounts;

std::map<Oid, history::SubjectKeys> read_keys(pg::Spi &spi, const rows::RowTree &tree) {
    std::map<Oid, history::SubjectKeys> keys;
    for (const auto &[relation, member] : tree.tables) {
        keys[relation] = history::read_subject(spi, member.table, member.rows);
    }
    return keys;
}

// The key as it is stored somewhere is what the log is about, however the caller has written it.
std::vector<std::string> choose_key(pg::Spi &spi, const catalog::TableInfo &table,
                                    const std::vector<history::KeyTexts> &stored, const std::string &reason,
                                    const std::vector<std::string> &given) {
    std::set<history::KeyTexts> keys(stored.begin(), stored.end()); // of many entries and copies
    keys.insert(given);
    for (const history::KeyTexts &key : keys) {
        rows::check_reason_as_key(spi, table, reason, key);
    }
    return stored.empty() ? given : stored.front();
}

// What the entry of the log says of what is left.
std::vector<std::string> find_left(pg::Spi &spi, const std::map<Oid, history::SubjectKeys> &keys,
                                   const ArchivedCopies &copies, const std::vector<std::string> &kept) {
    std::vector<std::string> left = history::find_lost_entries(spi, keys);
    std::set<std::string> unreached = copies.not_reached;
    unreached.insert(copies.held.begin(), copies.held.end());
    left.insert(left.end(), unreached.begin(), unreached.end());
    const std::set<std::string> once(kept.begin(), kept.end());
    left.insert(left.end(), once.begin(), once.end());
    return left;
}

// Those that were restored, or whose rows are gone: their rows do not lead to them any more.
void clear_former_deletions(pg::Spi &spi, const std::set<std::string> &told,
                            const std::map<Oid, history::SubjectKeys> &keys, std::vector<std::string> *left) {
    std::set<Oid> subjects;
    for (const auto &[relation, subject] : keys) {
        subjects.insert(relation);
    }
    const FormerDeletions former = find_former_deletions(spi, told, subjects);
    registry::clear_deletions(spi, former.own);
    left->insert(left->end(), former.not_reached.begin(), former.not_reached.end());
}

// Of a row that was purged before, or removed by hand, its table's history may still tell.
std::string erase_gone_row(pg::Spi &spi, const catalog::TableInfo &table, const std::string &reason,
                           const catalog::KeyLookup &lookup, const ArchivedCopies &copies) {
    history::KeyTexts given = catalog::write_key(table, lookup);
    std::map<Oid, history::SubjectKeys> keys = {{table.relation, {table, {given}, {}}}};
    history::KeyTexts key =
        choose_key(spi, table, history::find_recorded_keys(spi, table, lookup), reason, given);
    std::set<Oid> touched;
    std::vector<std::string> kept;
    std::set<std::string> told;
    HistoryCounts entries = history::erase_entries(spi, keys, copies.entries, &touched, &told);
    if (entries.empty()) {
        rows::raise_no_such_row(table, key);
    }
    clear_former_deletions(spi, told, keys, &kept);
    reset_statistics(spi, touched);
    return registry::insert_erasure(
        spi, table,
        {"erase", reason, registry::add_counts(spi, "{}", entries), key, find_left(spi, keys, copies, kept)});
}

bool has_history_alone(pg::Spi &spi, const catalog::TableInfo &table) {
    return !table.is_registered && !table.is_archived()
           && OidIsValid(history::find_history(spi, table.relation));
}

// A registered table; or one with a history, to whose entries nothing else leads.
catalog::TableInfo get_erasable_table(pg::Spi &spi, Oid relation) {
    if (!has_history_alone(spi, catalog::get_users_table(spi, relation))) {
        return rows::get_owned_soft_table(spi, relation);
    }
    catalog::TableInfo table = rows::get_owned_users_table(spi, relation);
    return has_history_alone(spi, table) ? table : rows::get_owned_soft_table(spi, relation);
}

} // namespace

std::string erase_row(Oid relation, const std::optional<std::string> &reason,
                      const std::vector<std::string> &key) {
    pg::Spi spi;
    rows::check_reason(reason, key);
    catalog::TableInfo table = get_erasable_table(spi, relation);
    holds::lock_holds_below(spi, {table.relation}, registry::HoldAccess::erase);
    const std::optional<rows::SubjectRow> found =
        rows::find_keyed_rows(spi, table, key, rows::SubjectLock::for_update).row;
    catalog::KeyLookup lookup = catalog::get_key_lookup(spi, table, key);
    rows::RowTree tree;
    if (found) {
        tree = rows::collect_tree(spi, found->rows);
    }
    ArchivedCopies copies = find_archived_copies(spi, table, lookup, tree);
    if (!found && copies.empty()) {
        return erase_gone_row(spi, table, *reason, lookup, copies);
    }
    history::KeyTexts given = catalog::write_key(table, lookup);
    // What is archived below a row may be all that is left beside its history.
    std::vector<history::KeyTexts> stored =
        found || !copies.keys.empty() ? copies.keys : history::find_recorded_keys(spi, table, lookup);
    history::KeyTexts stored_key = choose_key(spi, table, stored, *reason, found ? found->key : given);
    const history::KeyTexts &row_key = found ? found->key : stored_key;
    for (const auto &[oid, member] : tree.tables) {
        holds::check_held_rows(spi, member.table, member.rows, "erase");
    }
    rows::RowSet all = tree.all;
    for (const auto &[archive, member] : copies.archives) {
        holds::check_held_rows(spi, member.table, member.rows, "erase");
        all.add_all(member.rows);
    }
    std::vector<std::string> deletions = find_own_deletions(spi, tree);
    std::vector<std::string> holds = find_released_holds(spi, all);
    std::set<Oid> touched = tree.get_relations();
    touched.insert(tree.linked.begin(), tree.linked.end());
    std::map<Oid, history::SubjectKeys> keys = read_keys(spi, tree);
    keys.try_emplace(table.relation, history::SubjectKeys{table, {}, {}});
    keys.at(table.relation).named = {row_key};
    if (found) {
        remove_tree(spi, table, found->rows, tree);
    }
    std::vector<std::string> kept;
    std::set<std::string> told;
    HistoryCounts entries = history::erase_entries(spi, keys, copies.entries, &touched, &told);
    entries.merge(remove_archived_copies(spi, copies, &touched));
    for (const std::string &deletion : find_emptied(spi, copies.deletions)) {
        deletions.push_back(deletion);
    }
    registry::clear_deletions(spi, deletions);
    for (const std::string &deletion : deletions) {
        told.erase(deletion);
    }
    clear_former_deletions(spi, told, keys, &kept);
    registry::clear_holds(spi, holds);
    reset_statistics(spi, touched);
    return registry::insert_erasure(spi, table,
                                    {"erase", *reason, registry::add_counts(spi, tree.count(spi), entries),
                                     row_key, find_left(spi, keys, copies, kept)});
}

} // namespace softdelete::erasure
