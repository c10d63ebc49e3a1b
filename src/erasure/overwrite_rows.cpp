// The values come from a sub-select that is evaluated once, so that the statement can compare them with what it has stored.
// Its text tells the planner that it is ours and may write deletion_id (session/plan_notes.hpp). AFTER triggers may change
// a row once more: rows that are not where the statement has left them are read again.
#include "erasure/overwrite_rows.hpp"

#include "erasure/archived_limits.hpp"
#include "history/overwrite_entries.hpp"
#include "pg/called_settings.hpp"
#include "pg/quote.hpp"
#include "registry/archive_scan.hpp"
#include "registry/deletion_ids.hpp"
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

// A rule may be older than its table: event triggers were off.
std::string get_type(pg::Spi &spi, const TableInfo &table, const std::string &column) {
    const std::vector<pg::Row> found = spi.query(
        "SELECT pg_catalog.format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute WHERE attrelid "
        "OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND pg_catalog.quote_ident(attname) "
        "OPERATOR(pg_catalog.=) $2 AND NOT attisdropped",
        {table.relation, column});
    if (found.empty()) {
        pg::raise(
            {.sqlstate = ERRCODE_UNDEFINED_COLUMN,
             .message = sqltext::format("column %1% of table %2%, which has a rule for anonymization, does "
                                        "not exist",
                                        column, table.title),
             .hint = "Take the rule away by softdelete.set_anonymizer() with NULL, and set one for the "
                     "column that has the data now.",
             .relation = table.relation});
    }
    return found.front().text(0);
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
        assignments.push_back({"deletion_id",
                               sqltext::format("pg_catalog.int8um(coalesce(%1%, 9223372036854775807))",
                                               registry::make_deletion_of("deletion_id")),
                               "bigint"});
    }
    return assignments;
}

std::vector<std::string> read_columns(pg::Spi &spi, const TableInfo &table) {
    std::vector<std::string> columns;
    for (const pg::Row &row :
         spi.query("SELECT pg_catalog.quote_ident(attname) FROM pg_catalog.pg_attribute WHERE attrelid "
                   "OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND attnum > 0 AND NOT attisdropped",
                   {table.relation})) {
        columns.push_back(row.text(0));
    }
    return columns;
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

// SQL: the values, as a row for each of the rows: "softdelete.table", "softdelete.place", v0, v1 ... and what the checks say before: c0,
// c1 ...
std::string make_values(const TableInfo &table, const std::string &alias,
                        const std::vector<Assignment> &assignments, const std::vector<TableCheck> &checks,
                        const std::string &membership) {
    std::string values;
    for (std::size_t i = 0; i < assignments.size(); i++) {
        if (!assignments[i].is_generated) {
            values += sqltext::format(", (%1%) AS v%2%", assignments[i].value, i);
        }
    }
    for (std::size_t i = 0; i < checks.size(); i++) {
        values += sqltext::format(", %1% AS c%2%", checks[i].before, i);
    }
    return sqltext::format("SELECT %1%.tableoid AS \"softdelete.table\", %1%.ctid AS \"softdelete.place\"%2% "
                           "FROM %3% AS %1% WHERE %4% OFFSET 0",
                           alias, values, table.name, membership);
}

// The same, with the columns that are computed of these values and of the other columns.
std::string make_all_values(const TableInfo &table, const std::string &alias,
                            const std::vector<Assignment> &assignments, const std::vector<TableCheck> &checks,
                            const std::string &membership, const std::vector<std::string> &columns) {
    const std::string given = make_values(table, alias, assignments, checks, membership);
    if (std::none_of(assignments.begin(), assignments.end(),
                     [](const Assignment &assignment) { return assignment.is_generated; })) {
        return given;
    }
    std::string written;
    for (const std::string &column : columns) {
        auto place = std::find_if(assignments.begin(), assignments.end(),
                                  [&](const Assignment &assignment) { return assignment.column == column; });
        std::string value = alias + "." + column;
        if (place != assignments.end() && !place->is_generated) {
            value = sqltext::format("CAST(\"softdelete.given\".v%1% AS %2%)", place - assignments.begin(),
                                    place->type);
        }
        written += sqltext::format("%1%%2% AS %3%", (written.empty() ? "" : ", "), value, column);
    }
    // As the rows had it where they were.
    written += sqltext::format(", CAST(%1% AS pg_catalog.oid) AS tableoid",
                               pg::call([&] { return registry::find_table_of_archive(table.relation); }));
    std::string values;
    for (std::size_t i = 0; i < assignments.size(); i++) {
        const sqltext::Pattern form =
            assignments[i].is_generated ? sqltext::Pattern(", (SELECT %1% FROM (SELECT %3%) AS %4%) AS v%2%")
                                        : sqltext::Pattern(", \"softdelete.given\".v%2%%1%%3%%4%");
        values += assignments[i].is_generated ? sqltext::format(form, assignments[i].value, i, written, alias)
                                              : sqltext::format(form, "", i, "", "");
    }
    for (std::size_t i = 0; i < checks.size(); i++) {
        values += sqltext::format(", \"softdelete.given\".c%1%", i);
    }
    return sqltext::format(
        "SELECT \"softdelete.given\".\"softdelete.table\", \"softdelete.given\".\"softdelete.place\"%1% FROM "
        "(%2%) AS \"softdelete.given\" JOIN %3% AS %4% ON %4%.tableoid OPERATOR(pg_catalog.=) "
        "\"softdelete.given\".\"softdelete.table\" AND %4%.ctid OPERATOR(pg_catalog.=) "
        "\"softdelete.given\".\"softdelete.place\" WHERE %5% OFFSET 0",
        values, given, table.name, alias, membership);
}

// Returns table, position, whether all is stored as wanted, and the columns as text.
std::string make_statement(const TableInfo &table, const std::string &alias,
                           const std::vector<Assignment> &assignments, const std::vector<TableCheck> &checks,
                           const std::vector<std::string> &columns) {
    std::vector<std::string> sets;
    std::vector<std::string> wanted;
    for (std::size_t i = 0; i < assignments.size(); i++) {
        sets.push_back(sqltext::format("%1% = \"softdelete.new\".v%2%", assignments[i].column, i));
        wanted.push_back(sqltext::format("CAST(\"softdelete.new\".v%1% AS %2%)", i, assignments[i].type));
    }
    std::string membership = sqltext::format("%1% AND %2%", rows::see_all(table, alias.c_str()),
                                             rows::make_membership(table, alias.c_str(), 1));
    std::string stored = make_stored(assignments, alias);
    return sqltext::format(
        "%1% UPDATE %2% AS %3% SET %4% FROM (%5%) AS \"softdelete.new\" WHERE %6% AND "
        "%3%.tableoid OPERATOR(pg_catalog.=) \"softdelete.new\".\"softdelete.table\" AND %3%.ctid "
        "OPERATOR(pg_catalog.=) \"softdelete.new\".\"softdelete.place\" RETURNING %3%.tableoid, %3%.ctid, "
        "pg_catalog.record_image_eq(%7%, ROW(%8%)), CAST(%7% AS pg_catalog.text), %9%",
        session::removal_text, table.name, alias, sqltext::join(sets, ", "),
        make_all_values(table, alias, assignments, checks, membership, columns), membership, stored,
        sqltext::join(wanted, ", "), make_misfit(assignments, checks, alias));
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
                             const RowSet &rows, Occasion occasion, RowsLeft *left,
                             std::set<std::string> *deletions) {
    const Oid kept = pg::call([&] { return registry::find_table_of_archive(table.relation); });
    const bool is_archive = OidIsValid(kept);
    const TableInfo source = is_archive ? catalog::get_table(spi, kept) : table;
    pg::OwnerScope owner(table.owner);
    std::vector<Assignment> assignments = make_assignments(spi, table, rules, occasion);
    if (is_archive) {
        add_generated(spi, table, kept, &assignments);
        add_limits(spi, kept, &assignments);
    }
    std::string alias = get_alias(spi, source);
    std::vector<TableCheck> checks;
    if (is_archive) {
        checks = find_checks(spi, table.relation, kept, alias, assignments);
    }
    std::string statement = make_statement(table, alias, assignments, checks, read_columns(spi, table));
    // The key of a row above may have changed these rows, by ON UPDATE CASCADE.
    RowSet newest = rows::follow_updates(rows);
    RowSet lives; // of an archived row before a rule gives it another key, which its history does not learn
    if (is_archive) {
        lives = history::find_archived_lives(spi, source, newest).own;
    }
    std::vector<std::string> columns;
    for (const Anonymizer &rule : rules) {
        columns.push_back(pg::quote_identifier(rule.column));
    }
    CarriedKeys keys(spi, table, source, columns, newest, left);
    std::vector<pg::Row> written;
    {
        session::OwnStatement own(statement, {.notes = session::note_removal, .runs_as_called = true});
        written = spi.query(statement, {newest.tables(), newest.positions()});
    }
    if (written.size() != rows.size()) {
        rows::raise_not_overwritten(table);
    }
    for (const pg::Row &row : written) {
        if (!row.is_null(4)) {
            raise_misfit(source, assignments, checks, row.number(4));
        }
    }
    if (std::any_of(written.begin(), written.end(), [](const pg::Row &row) { return !row.boolean(2); })) {
        raise_other_values(table);
    }
    check_after_triggers(spi, table, alias, assignments, written);
    keys.carry();
    if (!is_archive) {
        lives =
            history::find_last_lives(source, history::read_keys(spi, source, rows::follow_updates(newest)));
    }
    (void)history::overwrite_entries(spi, source, rules, lives, deletions);
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
