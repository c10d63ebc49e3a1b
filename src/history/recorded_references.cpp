// Values go as text of the output functions, which a type's casts do not touch, so that a history which may be another owner's
// can be asked for them. Called by history/overwrite_entries and erasure/archived_copies.
#include "history/recorded_references.hpp"

#include "history/check_tracking.hpp"
#include "pg/scopes.hpp"
#include "rows/follow_links.hpp"
#include "sqltext/format.hpp"

#include <algorithm>

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
    const TableInfo history = catalog::get_table(spi, find_history(spi, table.relation));
    if (entries.empty() || !has_columns(spi, history.relation, key.parent_link.names)) {
        return held;
    }
    std::vector<std::string> texts;
    std::string conditions;
    for (const std::string &name : key.parent_link.names) {
        held.columns.push_back(find_referenced_column(spi, history.relation, name));
        texts.push_back("pg_catalog.format('%s', t." + name + ")");
        conditions += " AND t." + name + " IS NOT NULL";
    }
    held.times = {{"\"softdelete.from\"", "timestamptz", false, {}},
                  {"\"softdelete.until\"", "timestamptz", false, {}},
                  {"\"softdelete.first\"", "xid8", false, {}},
                  {"\"softdelete.last\"", "xid8", false, {}}};
    const std::string list = sqltext::join(texts, ", ");
    const std::string query = sqltext::format(
        "/* softdelete */ SELECT %1%, CASE WHEN (pg_catalog.array_agg(t.history_kind ORDER BY "
        "t.history_at))[1] "
        "IN ('I', 'K') THEN pg_catalog.min(t.history_at) ELSE '-infinity' END, CASE WHEN "
        "(pg_catalog.array_agg(t.history_kind ORDER BY t.history_at DESC))[1] IN ('I', 'K') THEN 'infinity' "
        "ELSE "
        "pg_catalog.max(t.history_at) END, (pg_catalog.array_agg(t.history_transaction ORDER BY "
        "t.history_at))[1], (pg_catalog.array_agg(t.history_transaction ORDER BY t.history_at DESC))[1] FROM "
        "%2% AS t WHERE %3%%4% GROUP BY %1%",
        list, history.name, rows::make_membership(history, "t", 1), conditions);
    pg::OwnerScope owner(history.owner);
    pg::ExactTextScope exact;
    for (const pg::Row &row : spi.query(query, {entries.tables(), entries.positions()})) {
        std::size_t place = 0;
        for (std::vector<ReferencedColumn> *columns : {&held.columns, &held.times}) {
            for (ReferencedColumn &column : *columns) {
                column.values.push_back(row.text(place++));
            }
        }
    }
    return held;
}

RowSet find_references_held(pg::Spi &spi, const TableInfo &history, const catalog::ForeignKey &key,
                            const HeldValues &held) {
    catalog::ForeignKey timed = key;
    timed.comparison += " AND (c.history_at BETWEEN p.\"softdelete.from\" AND p.\"softdelete.until\" OR "
                        "c.history_transaction IN (p.\"softdelete.first\", p.\"softdelete.last\"))";
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
                       const RowSet &entries) {
    const Oid history = find_history(spi, key.child.relation);
    if (!OidIsValid(history) || !has_columns(spi, history, key.child_link.names)) {
        return {};
    }
    const HeldValues held = read_held_values(spi, table, key, entries);
    if (held.columns.empty() || held.columns.front().values.empty()) {
        return {};
    }
    return find_ended_lives(spi, key.child,
                            find_references_held(spi, catalog::get_table(spi, history), key, held));
}

} // namespace softdelete::history
