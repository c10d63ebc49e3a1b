// The values come from a sub-select that is evaluated once, so that the statement can compare them with what it has stored.
// Its text tells the planner that it is ours and may write deletion_id (session/plan_notes.hpp). AFTER triggers may change
// a row once more: rows that are not where the statement has left them are read again.
#include "erasure/overwrite_rows.hpp"

#include "history/overwrite_entries.hpp"
#include "pg/called_settings.hpp"
#include "pg/quote.hpp"
#include "rows/follow_links.hpp"
#include "rows/newest_rows.hpp"
#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"
#include "sqltext/format.hpp"

#include <algorithm>

namespace softdelete::erasure {

namespace {

using catalog::TableInfo;
using registry::Anonymizer;
using rows::RowId;
using rows::RowSet;

// A column, quoted, what it gets, and its type as a cast target.
struct Assignment {
    std::string column;
    std::string value;
    std::string type;
};

std::string get_type(pg::Spi &spi, const TableInfo &table, const std::string &column) {
    return spi
        .query(
            "SELECT pg_catalog.format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute WHERE attrelid "
            "OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND pg_catalog.quote_ident(attname) "
            "OPERATOR(pg_catalog.=) $2 AND NOT attisdropped",
            {table.relation, column})
        .front()
        .text(0);
}

std::vector<Assignment> make_assignments(pg::Spi &spi, const TableInfo &table,
                                         const std::vector<Anonymizer> &rules, Occasion occasion) {
    std::vector<Assignment> assignments;
    for (const Anonymizer &rule : rules) {
        std::string column = pg::quote_identifier(rule.column);
        assignments.push_back({column, rule.expression, get_type(spi, table, column)});
    }
    if (forgets_actor(spi, table, rules)) {
        std::string type = get_type(spi, table, table.deleted_by);
        assignments.push_back({table.deleted_by, "CAST(NULL AS " + type + ")", type});
    }
    if (occasion == Occasion::on_expiry) {
        assignments.push_back(
            {"deletion_id", "pg_catalog.int8um(pg_catalog.abs(coalesce(deletion_id, 9223372036854775807)))",
             "bigint"});
    }
    return assignments;
}

std::string get_alias(pg::Spi &spi, const TableInfo &table) {
    return spi
        .query("SELECT pg_catalog.quote_ident(relname) FROM pg_catalog.pg_class WHERE oid "
               "OPERATOR(pg_catalog.=) $1::pg_catalog.oid",
               {table.relation})
        .front()
        .text(0);
}

// SQL: the columns as they are stored, as one row.
std::string make_stored(const std::vector<Assignment> &assignments, const std::string &alias) {
    std::vector<std::string> columns;
    for (const Assignment &assignment : assignments) {
        columns.push_back(alias + "." + assignment.column);
    }
    return "ROW(" + sqltext::join(columns, ", ") + ")";
}

// Returns table, position, whether all is stored as wanted, and the columns as text.
std::string make_statement(const TableInfo &table, const std::string &alias,
                           const std::vector<Assignment> &assignments) {
    std::vector<std::string> values;
    std::vector<std::string> sets;
    std::vector<std::string> wanted;
    for (std::size_t i = 0; i < assignments.size(); i++) {
        values.push_back(sqltext::format("(%1%) AS v%2%", assignments[i].value, i));
        sets.push_back(sqltext::format("%1% = \"softdelete.new\".v%2%", assignments[i].column, i));
        wanted.push_back(sqltext::format("CAST(\"softdelete.new\".v%1% AS %2%)", i, assignments[i].type));
    }
    std::string membership = sqltext::format("%1% AND %2%", rows::see_all(table, alias.c_str()),
                                             rows::make_membership(table, alias.c_str(), 1));
    std::string stored = make_stored(assignments, alias);
    return sqltext::format(
        "%1% UPDATE %2% AS %3% SET %4% FROM (SELECT %3%.tableoid AS \"softdelete.table\", %3%.ctid AS "
        "\"softdelete.place\", %5% FROM %2% AS %3% WHERE %6% OFFSET 0) AS \"softdelete.new\" WHERE %6% AND "
        "%3%.tableoid OPERATOR(pg_catalog.=) \"softdelete.new\".\"softdelete.table\" AND %3%.ctid "
        "OPERATOR(pg_catalog.=) \"softdelete.new\".\"softdelete.place\" RETURNING %3%.tableoid, %3%.ctid, "
        "pg_catalog.record_image_eq(%7%, ROW(%8%)), CAST(%7% AS pg_catalog.text)",
        session::removal_text, table.name, alias, sqltext::join(sets, ", "), sqltext::join(values, ", "),
        membership, stored, sqltext::join(wanted, ", "));
}

[[noreturn]] void raise_kept(const TableInfo &table) {
    pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
               .message = sqltext::format("not all rows of table %1% could be overwritten", table.title),
               .detail = "A trigger of the table kept rows. Nothing was changed.",
               .hint = "Disable the trigger, or let it pass rows that are anonymized.",
               .relation = table.relation});
}

[[noreturn]] void raise_other_values(const TableInfo &table) {
    pg::raise(
        {.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
         .message =
             sqltext::format("table %1% does not store what its rules for anonymization give", table.title),
         .detail = "A trigger of the table wrote other values. Nothing was changed.",
         .hint = "Disable the trigger, let it pass rows that are anonymized, or let the rules give what it "
                 "makes of them.",
         .relation = table.relation});
}

// Has nothing changed the columns after the statement? A row that is gone has no values any more.
void check_after_triggers(pg::Spi &spi, const TableInfo &table, const std::string &alias,
                          const std::vector<Assignment> &assignments, const std::vector<pg::Row> &written) {
    std::vector<RowId> places;
    for (const pg::Row &row : written) {
        places.push_back(rows::read_row_id(row));
    }
    std::vector<RowId> newest = rows::follow_updates(places);
    RowSet changed;
    std::map<RowId, std::string> values;
    for (std::size_t i = 0; i < places.size(); i++) {
        if (newest[i] != places[i]) {
            changed.add(newest[i]);
            values[newest[i]] = written[i].text(3);
        }
    }
    if (changed.empty()) {
        return;
    }
    std::string query = sqltext::format(
        "/* softdelete */ SELECT %1%.tableoid, %1%.ctid, CAST(%2% AS pg_catalog.text) FROM %3% AS %1% WHERE "
        "%4% AND %5%",
        alias, make_stored(assignments, alias), table.name, rows::see_all(table, alias.c_str()),
        rows::make_membership(table, alias.c_str(), 1));
    for (const pg::Row &row : spi.query(query, {changed.tables(), changed.positions()})) {
        if (values[rows::read_row_id(row)] != row.text(2)) {
            raise_other_values(table);
        }
    }
}

} // namespace

std::uint64_t overwrite_rows(pg::Spi &spi, const TableInfo &table, const std::vector<Anonymizer> &rules,
                             const RowSet &rows, Occasion occasion) {
    pg::OwnerScope owner(table.owner);
    std::vector<Assignment> assignments = make_assignments(spi, table, rules, occasion);
    std::string alias = get_alias(spi, table);
    std::string statement = make_statement(table, alias, assignments);
    // The key of a row above may have changed these rows, by ON UPDATE CASCADE.
    RowSet newest = rows::follow_updates(rows);
    std::vector<pg::Row> written;
    {
        session::OwnStatement own(statement, {.notes = session::note_removal, .runs_as_called = true});
        written = spi.query(statement, {newest.tables(), newest.positions()});
    }
    if (written.size() != rows.size()) {
        raise_kept(table);
    }
    if (std::any_of(written.begin(), written.end(), [](const pg::Row &row) { return !row.boolean(2); })) {
        raise_other_values(table);
    }
    check_after_triggers(spi, table, alias, assignments, written);
    (void)history::overwrite_entries(spi, table, rules, rows::follow_updates(newest));
    return written.size();
}

bool forgets_actor(pg::Spi &spi, const TableInfo &table, const std::vector<Anonymizer> &rules) {
    bool has_rule = std::any_of(rules.begin(), rules.end(), [&](const Anonymizer &rule) {
        return pg::quote_identifier(rule.column) == table.deleted_by;
    });
    if (table.deleted_by.empty() || has_rule) {
        return false;
    }
    return spi
        .query("SELECT NOT attnotnull FROM pg_catalog.pg_attribute WHERE attrelid OPERATOR(pg_catalog.=) "
               "$1::pg_catalog.oid AND pg_catalog.quote_ident(attname) OPERATOR(pg_catalog.=) $2",
               {table.relation, table.deleted_by})
        .front()
        .boolean(0);
}

} // namespace softdelete::erasure
