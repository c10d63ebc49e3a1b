// The statements are marked as ours, which the guard of the histories lets pass, and run as the history's owner.
#include "history/overwrite_entries.hpp"

#include "catalog/foreign_keys.hpp"
#include "history/check_tracking.hpp"
#include "history/other_keys.hpp"
#include "history/own_columns.hpp"
#include "history/recorded_references.hpp"
#include "pg/quote.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "pg/transactions.hpp"
#include "rows/follow_links.hpp"
#include "rows/named_row.hpp"
#include "rows/newest_rows.hpp"
#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "utils/lsyscache.h"
}

#include <algorithm>

namespace softdelete::history {

namespace {

using catalog::TableInfo;
using rows::RowSet;

std::vector<pg::Row> run_own(pg::Spi &spi, const TableInfo &history, const std::string &statement,
                             const RowSet &rows) {
    session::OwnStatement own(statement, {.notes = session::note_removal});
    pg::OwnerScope owner(history.owner);
    return spi.query(statement, {rows.tables(), rows.positions()});
}

// Adds the deletions that rows returned by a statement name.
void note_deletions(const std::vector<pg::Row> &entries, std::set<std::string> *deletions) {
    for (const pg::Row &entry : entries) {
        if (deletions != nullptr && !entry.is_null(0)) {
            deletions->insert(entry.text(0));
        }
    }
}

std::uint64_t remove(pg::Spi &spi, const TableInfo &history, const RowSet &entries, rows::Occasion occasion,
                     std::set<std::string> *deletions) {
    if (entries.empty()) {
        return 0;
    }
    std::string statement =
        sqltext::format("%1% DELETE FROM %2% AS t WHERE %3% RETURNING t.%4%", session::removal_text,
                        history.name, rows::make_membership(history, "t", 1), own_columns[deletion_id].name);
    const std::vector<pg::Row> entries_removed = run_own(spi, history, statement, entries);
    note_deletions(entries_removed, deletions);
    const std::uint64_t removed = entries_removed.size();
    if (removed != entries.size()) { // a trigger may be older than the history
        rows::raise_not_removed(history, occasion);
    }
    return removed;
}

// Entries that were found before others were overwritten: where they are now, without those that are gone.
RowSet find_present(pg::Spi &spi, const TableInfo &history, const RowSet &entries) {
    const RowSet newest = rows::follow_updates(entries);
    const std::string query =
        sqltext::format("/* softdelete */ SELECT t.tableoid, t.ctid FROM %1% AS t WHERE %2%", history.name,
                        rows::make_membership(history, "t", 1));
    RowSet present;
    pg::OwnerScope owner(history.owner);
    for (const pg::Row &row : spi.query(query, {newest.tables(), newest.positions()})) {
        present.add(rows::read_row_id(row));
    }
    return present;
}

// Who and why, which the entries of a subject forget.
const std::vector<OverwrittenColumn> &get_authorship() {
    static const std::vector<OverwrittenColumn> columns = {{own_columns[actor].name, "NULL"},
                                                           {own_columns[reason].name, "NULL"}};
    return columns;
}

std::string make_overwrite(const TableInfo &history, const std::string &alias,
                           const std::vector<OverwrittenColumn> &columns, bool uses_rules) {
    std::vector<std::string> sets;
    for (const OverwrittenColumn &column : columns) {
        sets.push_back(sqltext::format("%1% = %2%", column.history_column,
                                       (uses_rules ? "(" + column.expression + ")" : std::string("NULL"))));
    }
    return sqltext::format("%1% UPDATE %2% AS %3% SET %4% WHERE %5% RETURNING %3%.%6%", session::removal_text,
                           history.name, alias, sqltext::join(sets, ", "),
                           rows::make_membership(history, alias.c_str(), 1), own_columns[deletion_id].name);
}

void check_overwritten(const TableInfo &history, std::uint64_t count, const RowSet &entries) {
    if (count != entries.size()) {
        rows::raise_not_overwritten(history);
    }
}

// A rule may name columns that the history leaves out, and what made a column fail for what a former row had: then nothing is
// left but to empty the columns.
std::uint64_t overwrite(pg::Spi &spi, const TableInfo &history, const std::string &alias,
                        const std::vector<OverwrittenColumn> &columns, const RowSet &entries,
                        std::set<std::string> *deletions, bool is_made = false) {
    try {
        pg::Subtransaction attempt;
        const std::vector<pg::Row> overwritten =
            run_own(spi, history, make_overwrite(history, alias, columns, true), entries);
        attempt.commit();
        check_overwritten(history, overwritten.size(), entries);
        note_deletions(overwritten, deletions);
        return overwritten.size();
    } catch (pg::ServerError &error) {
        bool is_of_data = ERRCODE_TO_CATEGORY(error.sqlstate()) == ERRCODE_DATA_EXCEPTION;
        if (error.sqlstate() != ERRCODE_UNDEFINED_COLUMN && !(is_made && is_of_data)) {
            throw;
        }
    }
    const std::vector<pg::Row> emptied =
        run_own(spi, history, make_overwrite(history, alias, columns, false), entries);
    check_overwritten(history, emptied.size(), entries);
    note_deletions(emptied, deletions);
    return emptied.size();
}

// names: quoted.
bool overwrites_key(pg::Spi &spi, const TableInfo &table, const std::vector<std::string> &names) {
    const std::vector<catalog::KeyColumn> key = catalog::find_primary_key(spi, table.relation);
    return std::any_of(key.begin(), key.end(), [&](const catalog::KeyColumn &column) {
        return std::find(names.begin(), names.end(), column.name) != names.end();
    });
}

std::vector<std::string> get_names(const std::vector<OverwrittenColumn> &columns) {
    std::vector<std::string> names;
    for (const OverwrittenColumn &column : columns) {
        names.push_back(column.history_column);
    }
    return names;
}

// names: of columns of the table that have other values now, quoted.
void overwrite_made(pg::Spi &spi, const TableInfo &table, const TableInfo &history, const std::string &alias,
                    const std::vector<std::string> &names, const RowSet &entries) {
    RowSet newest = entries;
    for (const OverwrittenColumn &made : find_made_columns(spi, table, names)) {
        newest = rows::follow_updates(newest);
        (void)overwrite(spi, history, alias, {made}, newest, nullptr, true);
    }
}

} // namespace

std::vector<KeyTexts> find_recorded_keys(pg::Spi &spi, const TableInfo &table,
                                         const catalog::KeyLookup &lookup) {
    std::vector<KeyTexts> keys;
    Oid history = find_history(spi, table.relation);
    std::vector<std::string> names;
    std::vector<std::string> columns;
    for (const catalog::KeyColumn &column : catalog::find_primary_key(spi, table.relation)) {
        names.push_back(column.name);
        columns.push_back("t." + column.name);
    }
    if (!OidIsValid(history) || !has_columns(spi, history, names)) {
        return keys;
    }
    TableInfo entries = catalog::get_table(spi, history);
    RowSet found = find_lives(table, {catalog::write_key(table, lookup)});
    std::vector<pg::Parameter> parameters = lookup.values;
    std::string query = sqltext::format(
        "/* softdelete */ SELECT %1% FROM %2% AS t WHERE %3% AND %4% ORDER BY t.%5% DESC",
        sqltext::join(columns, ", "), entries.name, lookup.condition,
        rows::make_membership(entries, "t", static_cast<int>(parameters.size()) + 1), own_columns[at].name);
    parameters.push_back(found.tables());
    parameters.push_back(found.positions());
    pg::OwnerScope owner(entries.owner);
    pg::ExactTextScope exact;
    for (const pg::Row &row : spi.query(query, parameters)) {
        KeyTexts key;
        for (std::size_t i = 0; i < columns.size(); i++) {
            key.push_back(row.text(i));
        }
        keys.push_back(std::move(key));
    }
    return keys;
}

std::map<std::string, std::uint64_t> erase_entries(pg::Spi &spi, const std::map<Oid, SubjectKeys> &subjects,
                                                   std::map<Oid, RowSet> entries, std::set<Oid> *touched,
                                                   std::set<std::string> *deletions) {
    for (const auto &[relation, subject] : subjects) {
        entries[relation].add_all(find_lives(subject.table, subject.named));
        entries[relation].add_all(find_last_lives(subject.table, subject.keys));
        entries[relation].add_all(find_moved_lives(subject.table, subject.keys, subject.since));
    }
    std::map<Oid, RowSet> histories;
    for (const auto &[relation, its] : entries) {
        if (!its.empty()) {
            histories[find_history(spi, relation)].add_all(its);
        }
    }
    std::map<std::string, std::uint64_t> counts;
    for (const auto &[relation, its] : histories) {
        const TableInfo history = catalog::get_table(spi, relation);
        for (const auto &[partition, rows] : rows::group_by_table(its)) {
            touched->insert(partition);
        }
        counts[history.name] = remove(spi, history, its, rows::Occasion::erasure, deletions);
    }
    return counts;
}

std::uint64_t overwrite_entries(pg::Spi &spi, const TableInfo &table,
                                const std::vector<registry::Anonymizer> &rules, const RowSet &entries,
                                std::set<std::string> *deletions) {
    if (entries.empty()) {
        return 0;
    }
    std::vector<std::string> names;
    for (const registry::Anonymizer &rule : rules) {
        names.push_back(pg::quote_identifier(rule.column));
    }
    const TableInfo history = catalog::get_table(spi, get_history(spi, table));
    const RowSet present = find_present(spi, history, entries);
    if (overwrites_key(spi, table, names)) {
        return remove(spi, history, present, rows::Occasion::anonymization, deletions);
    }
    const std::string alias = pg::quote_identifier(pg::call([&] { return get_rel_name(table.relation); }));
    std::vector<OverwrittenColumn> columns = find_overwritten_columns(spi, table, rules);
    columns.insert(columns.end(), get_authorship().begin(), get_authorship().end());
    const std::uint64_t count = overwrite(spi, history, alias, columns, present, deletions);
    overwrite_made(spi, table, history, alias, names, present);
    return count;
}

OverwriteResult overwrite_columns(pg::Spi &spi, const TableInfo &table,
                                  const std::vector<OverwrittenColumn> &columns, const RowSet &entries,
                                  IfTaken if_taken) {
    OverwriteResult result;
    if (entries.empty() || columns.empty()) {
        return result;
    }
    const std::vector<std::string> names = get_names(columns);
    const TableInfo history = catalog::get_table(spi, get_history(spi, table));
    RowSet free = find_present(spi, history, entries);
    const KeyChange change = {table, history, columns};
    const bool is_key = overwrites_key(spi, table, names);
    RowSet named; // keys of the entries
    const bool makes_key = overwrites_key(spi, table, get_names(find_made_columns(spi, table, names)));
    if (is_key || makes_key) { // one that is made of a value is not known before
        const RowSet taken = makes_key ? free : find_taken(spi, change, free);
        free = rows::subtract(free, taken);
        if (if_taken == IfTaken::leave) {
            result.leaves_some = !taken.empty();
        } else if (!taken.empty()) {
            if (makes_key) {
                forget_former_keys(spi, change, taken);
            } else {
                named = name_new_keys(spi, change, taken);
            }
            result.removed = remove(spi, history, find_present(spi, history, taken),
                                    rows::Occasion::anonymization, nullptr);
            free = rows::follow_updates(free);
        }
    }
    if (free.empty()) {
        return result;
    }
    if (is_key) {
        named.add_all(name_new_keys(spi, change, free));
        free = rows::follow_updates(free);
    }
    const std::string alias = pg::quote_identifier(pg::call([&] { return get_rel_name(table.relation); }));
    (void)overwrite(spi, history, alias, columns, free, nullptr);
    overwrite_made(spi, table, history, alias, names, free);
    if (is_key) {
        named.add_all(free);
        drop_same_keys(spi, change, rows::follow_updates(named));
    }
    return result;
}

std::set<Oid> find_partitions(pg::Spi &spi, Oid relation) {
    std::set<Oid> partitions;
    Oid history = find_history(spi, relation);
    for (const pg::Row &row : spi.query(
             "SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = $1::pg_catalog.oid", {history})) {
        partitions.insert(row.oid(0));
    }
    return partitions;
}

} // namespace softdelete::history
