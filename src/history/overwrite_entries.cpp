// The statements are marked as ours, which the guard of the histories lets pass, and run as the history's owner.
#include "history/overwrite_entries.hpp"

#include "catalog/foreign_keys.hpp"
#include "history/check_tracking.hpp"
#include "history/overwritten_columns.hpp"
#include "history/own_columns.hpp"
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
#include <deque>

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

std::uint64_t remove(pg::Spi &spi, const TableInfo &history, const RowSet &entries, rows::Occasion occasion) {
    if (entries.empty()) {
        return 0;
    }
    std::string statement =
        sqltext::format("%1% DELETE FROM %2% AS t WHERE %3% RETURNING 1", session::removal_text, history.name,
                        rows::make_membership(history, "t", 1));
    std::uint64_t removed = run_own(spi, history, statement, entries).size();
    if (removed != entries.size()) { // a trigger may be older than the history
        rows::raise_not_removed(history, occasion);
    }
    return removed;
}

// The type under any domains, of any length and precision.
ReferencedColumn find_referenced_column(pg::Spi &spi, Oid relation, const std::string &column) {
    const pg::Row row =
        spi.query(
               "WITH RECURSIVE bases (type, base) AS (SELECT t.oid, t.typbasetype FROM "
               "pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid WHERE a.attrelid = "
               "$1::pg_catalog.oid AND pg_catalog.quote_ident(a.attname) = $2 AND NOT a.attisdropped UNION "
               "ALL SELECT t.oid, t.typbasetype FROM bases b JOIN pg_catalog.pg_type t ON t.oid = b.base) "
               "SELECT pg_catalog.format_type(t.oid, -1), t.typcategory = 'A' FROM bases b JOIN "
               "pg_catalog.pg_type t ON t.oid = b.type WHERE b.base = 0",
               {relation, column})
            .front();
    return {column, row.text(0), row.boolean(1), {}};
}

// As text of the output functions, which a type's casts do not touch, so that a history which may be another owner's can be
// asked for them; each set of values once. The rows are of the table, live or deleted, or entries of its history.
std::vector<ReferencedColumn> read_values(pg::Spi &spi, const TableInfo &table,
                                          const std::vector<std::string> &names, const RowSet &rows) {
    std::vector<ReferencedColumn> columns;
    std::vector<std::string> texts;
    std::string conditions;
    for (const std::string &name : names) {
        columns.push_back(find_referenced_column(spi, table.relation, name));
        texts.push_back("pg_catalog.format('%s', t." + name + ")");
        conditions += " AND t." + name + " IS NOT NULL";
    }
    std::string query = sqltext::format(
        "/* softdelete */ SELECT DISTINCT %1% FROM %2% AS t WHERE %3% AND %4%%5%", sqltext::join(texts, ", "),
        table.name, rows::see_all(table, "t"), rows::make_membership(table, "t", 1), conditions);
    pg::OwnerScope owner(table.owner);
    pg::ExactTextScope exact;
    for (const pg::Row &row : spi.query(query, {rows.tables(), rows.positions()})) {
        for (std::size_t i = 0; i < columns.size(); i++) {
            columns[i].values.push_back(row.text(i));
        }
    }
    return columns;
}

bool has_columns(pg::Spi &spi, Oid relation, const std::vector<std::string> &names) {
    return std::all_of(names.begin(), names.end(), [&](const std::string &name) {
        return !spi.query("SELECT FROM pg_catalog.pg_attribute WHERE attrelid = $1::pg_catalog.oid AND "
                          "pg_catalog.quote_ident(attname) = $2 AND NOT attisdropped",
                          {relation, name})
                    .empty();
    });
}

// The keys that take rows along whose table has a history with their columns.
std::vector<catalog::ForeignKey> find_recorded_links(pg::Spi &spi, Oid relation) {
    std::vector<catalog::ForeignKey> links;
    for (const catalog::ForeignKey &key : catalog::find_referencing_keys(spi, relation)) {
        Oid history =
            key.on_delete == catalog::OnDelete::cascade ? find_history(spi, key.child.relation) : InvalidOid;
        if (OidIsValid(history) && has_columns(spi, history, key.child_link.names)) {
            links.push_back(key);
        }
    }
    return links;
}

// A table and those of its entries that are to go.
struct Work {
    TableInfo table;
    RowSet entries;
};

class Eraser {
public:
    Eraser(pg::Spi &spi, std::set<Oid> *touched) : spi_(spi), touched_(touched) {}

    std::map<std::string, std::uint64_t> run(const std::map<Oid, SubjectKeys> &subjects) {
        for (const auto &[relation, subject] : subjects) {
            add(subject.table, find_lives(subject.table, subject.named));
            add(subject.table, find_last_lives(subject.table, subject.keys));
            for (const SubjectLink &link : subject.links) {
                follow(link.key, link.values);
            }
        }
        while (!work_.empty()) {
            Work work = std::move(work_.front());
            work_.pop_front();
            for (const catalog::ForeignKey &key : find_recorded_links(spi_, work.table.relation)) {
                follow(key, read_recorded_values(spi_, work.table, key, work.entries));
            }
        }
        std::map<std::string, std::uint64_t> counts;
        for (const auto &[relation, entries] : found_) {
            TableInfo history = catalog::get_table(spi_, relation);
            for (const auto &[partition, rows] : rows::group_by_table(entries)) {
                touched_->insert(partition);
            }
            counts[history.name] = remove(spi_, history, entries, rows::Occasion::erasure);
        }
        return counts;
    }

private:
    void add(const TableInfo &table, const RowSet &entries) {
        Oid history = find_history(spi_, table.relation);
        if (!OidIsValid(history) || entries.empty()) {
            return;
        }
        Work work = {table, {}};
        for (const rows::RowId &entry : entries.ids()) {
            if (found_[history].add(entry)) {
                work.entries.add(entry);
            }
        }
        if (!work.entries.empty()) {
            work_.push_back(std::move(work));
        }
    }

    // Entries of rows that referenced a row with these values at some time, and all of rows that did so to their end.
    void follow(const catalog::ForeignKey &key, const std::vector<ReferencedColumn> &values) {
        if (!values.empty() && !values.front().values.empty()) {
            TableInfo children = catalog::get_table(spi_, find_history(spi_, key.child.relation));
            RowSet entries = find_references(spi_, children, key, values);
            entries.add_all(find_ended_lives(spi_, key.child, entries));
            add(key.child, entries);
        }
    }

    pg::Spi &spi_;
    std::set<Oid> *touched_;
    std::map<Oid, RowSet> found_; // by history
    std::deque<Work> work_;
};

std::string make_overwrite(const TableInfo &history, const std::string &alias,
                           const std::vector<OverwrittenColumn> &columns, bool uses_rules) {
    std::string sets =
        sqltext::format("%1% = NULL, %2% = NULL", own_columns[actor].name, own_columns[reason].name);
    for (const OverwrittenColumn &column : columns) {
        sets += sqltext::format(", %1% = %2%", column.history_column,
                                (uses_rules ? "(" + column.expression + ")" : std::string("NULL")));
    }
    return sqltext::format("%1% UPDATE %2% AS %3% SET %4% WHERE %5% RETURNING 1", session::removal_text,
                           history.name, alias, sets, rows::make_membership(history, alias.c_str(), 1));
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
                        bool is_made = false) {
    try {
        pg::Subtransaction attempt;
        std::uint64_t count =
            run_own(spi, history, make_overwrite(history, alias, columns, true), entries).size();
        attempt.commit();
        check_overwritten(history, count, entries);
        return count;
    } catch (pg::ServerError &error) {
        bool is_of_data = ERRCODE_TO_CATEGORY(error.sqlstate()) == ERRCODE_DATA_EXCEPTION;
        if (error.sqlstate() != ERRCODE_UNDEFINED_COLUMN && !(is_made && is_of_data)) {
            throw;
        }
    }
    std::uint64_t count =
        run_own(spi, history, make_overwrite(history, alias, columns, false), entries).size();
    check_overwritten(history, count, entries);
    return count;
}

bool overwrites_key(pg::Spi &spi, const TableInfo &table, const std::vector<registry::Anonymizer> &rules) {
    for (const catalog::KeyColumn &key : catalog::find_primary_key(spi, table.relation)) {
        for (const registry::Anonymizer &rule : rules) {
            if (pg::quote_identifier(rule.column) == key.name) {
                return true;
            }
        }
    }
    return false;
}

} // namespace

std::vector<ReferencedColumn> read_recorded_values(pg::Spi &spi, const TableInfo &table,
                                                   const catalog::ForeignKey &key, const RowSet &entries) {
    TableInfo history = catalog::get_table(spi, find_history(spi, table.relation));
    if (!has_columns(spi, history.relation, key.parent_link.names)) {
        return {};
    }
    return read_values(spi, history, key.parent_link.names, entries);
}

// One pass, however many values there are.
RowSet find_references(pg::Spi &spi, const TableInfo &place, const catalog::ForeignKey &key,
                       const std::vector<ReferencedColumn> &columns, const char *further) {
    std::vector<std::string> values;
    std::vector<pg::Parameter> parameters;
    for (const ReferencedColumn &column : columns) {
        std::size_t number = parameters.size() + 1;
        // An array of arrays is one array: its elements would be theirs.
        std::string value = column.is_array
                                ? sqltext::format("CAST(pg_catalog.unnest($%1%::pg_catalog.text[]) AS %2%)",
                                                  number, column.type)
                                : sqltext::format("pg_catalog.unnest($%1%::%2%[])", number, column.type);
        values.push_back(sqltext::format("%1% AS %2%", value, column.name));
        parameters.emplace_back(pg::make_array(column.values));
    }
    std::string query = sqltext::format(
        "/* softdelete */ SELECT c.tableoid, c.ctid FROM %1% AS c WHERE EXISTS (SELECT FROM (SELECT %2%) "
        "AS p WHERE %3%)%4%",
        place.name, sqltext::join(values, ", "), key.comparison, further);
    pg::OwnerScope owner(place.owner);
    pg::ExactTextScope exact;
    RowSet found;
    for (const pg::Row &row : spi.query(query, parameters)) {
        found.add(rows::read_row_id(row));
    }
    return found;
}

SubjectKeys read_subject(pg::Spi &spi, const TableInfo &table, const RowSet &rows) {
    SubjectKeys subject = {table, {}, read_keys(spi, table, rows), {}};
    if (!OidIsValid(find_history(spi, table.relation))) { // else its entries say more
        for (const catalog::ForeignKey &key : find_recorded_links(spi, table.relation)) {
            subject.links.push_back({key, read_values(spi, table, key.parent_link.names, rows)});
        }
    }
    return subject;
}

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
                                                   std::set<Oid> *touched) {
    return Eraser(spi, touched).run(subjects);
}

std::uint64_t overwrite_entries(pg::Spi &spi, const TableInfo &table,
                                const std::vector<registry::Anonymizer> &rules, const RowSet &entries) {
    if (entries.empty()) {
        return 0;
    }
    TableInfo history = catalog::get_table(spi, get_history(spi, table));
    if (overwrites_key(spi, table, rules)) {
        return remove(spi, history, entries, rows::Occasion::anonymization);
    }
    std::string alias = pg::quote_identifier(pg::call([&] { return get_rel_name(table.relation); }));
    const std::uint64_t count =
        overwrite(spi, history, alias, find_overwritten_columns(spi, table, rules), entries);
    RowSet newest = entries;
    for (const OverwrittenColumn &made : find_made_columns(spi, table, rules)) {
        newest = rows::follow_updates(newest);
        (void)overwrite(spi, history, alias, {made}, newest, true);
    }
    return count;
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
