// Values go as text of the output functions, which a type's casts do not touch, so that a history which may be another owner's
// can be asked for them. Called by history/overwrite_entries and erasure/archived_copies.
#include "history/recorded_references.hpp"

#include "history/check_tracking.hpp"
#include "pg/scopes.hpp"
#include "rows/follow_links.hpp"
#include "sqltext/format.hpp"

#include <algorithm>
#include <map>

namespace softdelete::history {

using catalog::TableInfo;
using rows::RowSet;

namespace {

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

// SQL: as text of the output functions, of "t".
std::string make_text(const std::string &column) {
    return "pg_catalog.format('%s', t." + column + ")";
}

// SQL: has "t" values in all columns?
std::string make_complete(const std::vector<std::string> &names) {
    std::vector<std::string> conditions;
    for (const std::string &name : names) {
        conditions.push_back("t." + name + " IS NOT NULL");
    }
    return sqltext::join(conditions, " AND ");
}

// As text of the output functions, which a type's casts do not touch, so that a history which may be another owner's can be
// asked for them; each set of values once. The rows are of the table, live or deleted, or entries of its history.
std::vector<ReferencedColumn> read_values(pg::Spi &spi, const TableInfo &table,
                                          const std::vector<std::string> &names, const RowSet &rows) {
    std::vector<ReferencedColumn> columns;
    std::vector<std::string> texts;
    for (const std::string &name : names) {
        columns.push_back(find_referenced_column(spi, table.relation, name));
        texts.push_back(make_text(name));
    }
    std::string query =
        sqltext::format("/* softdelete */ SELECT DISTINCT %1% FROM %2% AS t WHERE %3% AND %4% AND %5%",
                        sqltext::join(texts, ", "), table.name, rows::see_all(table, "t"),
                        rows::make_membership(table, "t", 1), make_complete(names));
    pg::OwnerScope owner(table.owner);
    pg::ExactTextScope exact;
    for (const pg::Row &row : spi.query(query, {rows.tables(), rows.positions()})) {
        for (std::size_t i = 0; i < columns.size(); i++) {
            columns[i].values.push_back(row.text(i));
        }
    }
    return columns;
}

// relation: the table or its history.
HeldValues make_held_columns(pg::Spi &spi, Oid relation, const catalog::ForeignKey &key) {
    HeldValues held;
    for (const std::string &name : key.parent_link.names) {
        held.columns.push_back(find_referenced_column(spi, relation, name));
    }
    held.times = {{"\"softdelete.from\"", "timestamptz", false, {}},
                  {"\"softdelete.until\"", "timestamptz", false, {}},
                  {"\"softdelete.first\"", "xid8", false, {}},
                  {"\"softdelete.last\"", "xid8", false, {}}};
    return held;
}

void add_held(HeldValues *held, const pg::Row &row) {
    std::size_t place = 0;
    for (std::vector<ReferencedColumn> *columns : {&held->columns, &held->times}) {
        for (ReferencedColumn &column : *columns) {
            column.values.push_back(row.text(place++));
        }
    }
}

// The table's primary key as texts of rows or entries "t"; empty where the history has not all of it.
std::vector<std::string> find_row_key(pg::Spi &spi, const TableInfo &table, const TableInfo &history) {
    std::vector<std::string> names;
    std::vector<std::string> texts;
    for (const catalog::KeyColumn &column : catalog::find_primary_key(spi, table.relation)) {
        names.push_back(column.name);
        texts.push_back(make_text(column.name));
    }
    return has_columns(spi, history.relation, names) ? texts : std::vector<std::string>();
}

// An entry has the row as it was from the entry before it on; as it is from then on where the row arrives.
constexpr sqltext::Pattern held_query(R"(/* softdelete */
    SELECT %1%, pg_catalog.min(e.since), pg_catalog.max(e.until),
           (pg_catalog.array_agg(e.first ORDER BY e.since))[1], (pg_catalog.array_agg(e.last ORDER BY e.until DESC))[1]
    FROM (SELECT %2%, %3% AS is_complete, a.arrives,
                 CASE WHEN a.arrives THEN t.history_at ELSE coalesce(pg_catalog.lag(t.history_at) OVER w, '-infinity') END AS since,
                 CASE WHEN a.arrives THEN coalesce(pg_catalog.lead(t.history_at) OVER w, 'infinity') ELSE t.history_at END AS until,
                 CASE WHEN a.arrives THEN t.history_transaction
                      ELSE coalesce(pg_catalog.lag(t.history_transaction) OVER w, t.history_transaction) END AS first,
                 CASE WHEN a.arrives THEN coalesce(pg_catalog.lead(t.history_transaction) OVER w, t.history_transaction)
                      ELSE t.history_transaction END AS last
          FROM %4% AS t, LATERAL (SELECT t.history_kind IN ('I', 'K') AS arrives) AS a WHERE %5%
          WINDOW w AS (PARTITION BY %6% ORDER BY t.history_at, t.history_command, a.arrives DESC)) AS e
    WHERE e.is_complete GROUP BY %1%)");

// What rows have now they have had since the last entry of their key.
constexpr sqltext::Pattern last_query(R"(/* softdelete */
    SELECT DISTINCT ON (%1%) %1%, t.history_at, t.history_transaction
    FROM %2% AS t WHERE %3% ORDER BY %1%, t.history_at DESC, t.history_command DESC)");

struct LastEntry {
    std::string at = "-infinity";
    std::string transaction = "0";
};

std::map<KeyTexts, LastEntry> read_last_entries(pg::Spi &spi, const TableInfo &table, const RowSet &entries) {
    std::map<KeyTexts, LastEntry> last;
    if (entries.empty()) {
        return last;
    }
    const TableInfo history = catalog::get_table(spi, find_history(spi, table.relation));
    const std::vector<std::string> row_key = find_row_key(spi, table, history);
    if (row_key.empty()) {
        return last;
    }
    const std::string query = sqltext::format(last_query, sqltext::join(row_key, ", "), history.name,
                                              rows::make_membership(history, "t", 1));
    pg::OwnerScope owner(history.owner);
    pg::ExactTextScope exact;
    for (const pg::Row &row : spi.query(query, {entries.tables(), entries.positions()})) {
        KeyTexts key;
        for (std::size_t i = 0; i < row_key.size(); i++) {
            key.push_back(row.text(i));
        }
        last[key] = {row.text(row_key.size()), row.text(row_key.size() + 1)};
    }
    return last;
}

// Adds what the rows that are there have now.
void add_present(pg::Spi &spi, const TableInfo &table, const catalog::ForeignKey &key, const RowSet &entries,
                 const PresentRows &present, HeldValues *held) {
    if (present.rows.empty()) {
        return;
    }
    if (held->columns.empty()) {
        *held = make_held_columns(spi, table.relation, key);
    }
    const std::map<KeyTexts, LastEntry> last = read_last_entries(spi, table, entries);
    std::vector<std::string> columns;
    for (const ReferencedColumn &column : held->columns) {
        columns.push_back(make_text(column.name));
    }
    columns.push_back(present.until);
    for (const catalog::KeyColumn &column : catalog::find_primary_key(spi, table.relation)) {
        columns.push_back(make_text(column.name));
    }
    const std::string query =
        sqltext::format("/* softdelete */ SELECT %1% FROM %2% AS t WHERE %3% AND %4% AND %5%",
                        sqltext::join(columns, ", "), present.place.name, rows::see_all(present.place, "t"),
                        rows::make_membership(present.place, "t", 1), make_complete(key.parent_link.names));
    pg::OwnerScope owner(present.place.owner);
    pg::ExactTextScope exact;
    for (const pg::Row &row : spi.query(query, {present.rows.tables(), present.rows.positions()})) {
        std::size_t place = 0;
        for (ReferencedColumn &column : held->columns) {
            column.values.push_back(row.text(place++));
        }
        const std::string until = row.text(place++);
        KeyTexts row_key;
        while (place < columns.size()) {
            row_key.push_back(row.text(place++));
        }
        const auto found = last.find(row_key);
        const LastEntry since = found == last.end() ? LastEntry() : found->second;
        for (std::size_t i = 0; i < held->times.size(); i++) {
            held->times[i].values.push_back(i == 0 ? since.at : i == 1 ? until : since.transaction);
        }
    }
}

} // namespace

bool has_columns(pg::Spi &spi, Oid relation, const std::vector<std::string> &names) {
    return std::all_of(names.begin(), names.end(), [&](const std::string &name) {
        return !spi.query("SELECT FROM pg_catalog.pg_attribute WHERE attrelid = $1::pg_catalog.oid AND "
                          "pg_catalog.quote_ident(attname) = $2 AND NOT attisdropped",
                          {relation, name})
                    .empty();
    });
}

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

HeldValues read_held_values(pg::Spi &spi, const TableInfo &table, const catalog::ForeignKey &key,
                            const RowSet &entries) {
    HeldValues held;
    if (entries.empty()) {
        return held;
    }
    const TableInfo history = catalog::get_table(spi, find_history(spi, table.relation));
    if (!has_columns(spi, history.relation, key.parent_link.names)) {
        return held;
    }
    held = make_held_columns(spi, history.relation, key);
    const std::vector<std::string> row_key = find_row_key(spi, table, history);
    const std::string rows = row_key.empty() ? "t.tableoid, t.ctid" : sqltext::join(row_key, ", ");
    std::vector<std::string> values;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < held.columns.size(); i++) {
        names.push_back(sqltext::format("v%1%", i));
        values.push_back(sqltext::format("%1% AS %2%", make_text(held.columns[i].name), names.back()));
    }
    const std::string query = sqltext::format(
        held_query, sqltext::join(names, ", "), sqltext::join(values, ", "),
        make_complete(key.parent_link.names), history.name, rows::make_membership(history, "t", 1), rows);
    pg::OwnerScope owner(history.owner);
    pg::ExactTextScope exact;
    for (const pg::Row &row : spi.query(query, {entries.tables(), entries.positions()})) {
        add_held(&held, row);
    }
    return held;
}

RowSet find_references_held(pg::Spi &spi, const TableInfo &history, const catalog::ForeignKey &key,
                            const HeldValues &held) {
    catalog::ForeignKey timed = key;
    timed.comparison += " AND (c.history_at BETWEEN p.\"softdelete.from\" AND p.\"softdelete.until\" OR "
                        "c.history_transaction IN (p.\"softdelete.first\", p.\"softdelete.last\") OR "
                        "c.history_transaction_at = p.\"softdelete.until\")";
    std::vector<ReferencedColumn> columns = held.columns;
    columns.insert(columns.end(), held.times.begin(), held.times.end());
    return find_references(spi, history, timed, columns);
}

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

RowSet find_gone_below(pg::Spi &spi, const TableInfo &table, const catalog::ForeignKey &key,
                       const RowSet &entries, const PresentRows &present) {
    const Oid history = find_history(spi, key.child.relation);
    if (!OidIsValid(history) || !has_columns(spi, history, key.child_link.names)) {
        return {};
    }
    HeldValues held = read_held_values(spi, table, key, entries);
    add_present(spi, table, key, entries, present, &held);
    if (held.columns.empty() || held.columns.front().values.empty()) {
        return {};
    }
    return find_ended_lives(spi, key.child,
                            find_references_held(spi, catalog::get_table(spi, history), key, held));
}

} // namespace softdelete::history
