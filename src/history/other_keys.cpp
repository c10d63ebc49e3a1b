// Both entries of a change are of the same transaction and command, and each names the other: that is how they are found.
#include "history/other_keys.hpp"

#include "catalog/based_types.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "rows/newest_rows.hpp"
#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"
#include "sqltext/format.hpp"

#include <algorithm>

namespace softdelete::history {

namespace {

// Quoted.
std::vector<std::string> read_remembered(pg::Spi &spi, Oid relation) {
    std::vector<std::string> columns;
    pg::UserScope owner(pg::get_extension_owner());
    for (const pg::Row &row :
         spi.query("SELECT pg_catalog.quote_ident(k.name) FROM "
                   "softdelete_internal.tracked_table t, pg_catalog.unnest(t.key_columns) "
                   "WITH ORDINALITY AS k (name, place) WHERE t.relation = "
                   "$1::pg_catalog.oid ORDER BY k.place",
                   {relation})) {
        columns.push_back(row.text(0));
    }
    return columns;
}

// As key_text.hpp writes a key: what the output functions make of its values.
std::string make_key_text(const char *alias, const std::vector<std::string> &columns) {
    std::vector<std::string> texts;
    for (const std::string &column : columns) {
        texts.push_back(sqltext::format("pg_catalog.format('%%s', %1%.%2%)", alias, column));
    }
    return "ARRAY[" + sqltext::join(texts, ", ") + "]";
}

std::string make_not_null(const char *alias, const std::vector<std::string> &columns) {
    std::vector<std::string> conditions;
    for (const std::string &column : columns) {
        conditions.push_back(sqltext::format("%1%.%2% IS NOT NULL", alias, column));
    }
    return sqltext::join(conditions, " AND ");
}

std::vector<pg::Row> run(pg::Spi &spi, const catalog::TableInfo &history, const std::string &statement,
                         const std::vector<pg::Parameter> &parameters = {}) {
    session::OwnStatement own(statement, {.notes = session::note_removal});
    pg::OwnerScope owner(history.owner);
    pg::ExactTextScope exact;
    return spi.query(statement, parameters);
}

std::vector<std::string> find_key(pg::Spi &spi, const catalog::TableInfo &table) {
    std::vector<std::string> names;
    for (const catalog::KeyColumn &column : catalog::find_primary_key(spi, table.relation)) {
        names.push_back(column.name);
    }
    return names;
}

// The key that an entry gets.
std::string make_new_key_text(const char *alias, const std::vector<std::string> &key,
                              const std::vector<OverwrittenColumn> &columns) {
    std::vector<std::string> texts;
    for (const std::string &name : key) {
        const auto its = std::find_if(columns.begin(), columns.end(), [&](const OverwrittenColumn &column) {
            return column.history_column == name;
        });
        texts.push_back(its == columns.end()
                            ? sqltext::format("pg_catalog.format('%%s', %1%.%2%)", alias, name)
                            : sqltext::format("pg_catalog.format('%%s', %1%)", its->expression));
    }
    return "ARRAY[" + sqltext::join(texts, ", ") + "]";
}

// SQL: entries under these aliases are both halves of one change of the key.
std::string make_halves(const char *one, const char *other, const std::vector<std::string> &key) {
    return sqltext::format("%1%.history_transaction = %2%.history_transaction AND %1%.history_command = "
                           "%2%.history_command AND (%1%.history_kind = 'K') <> (%2%.history_kind = 'K') AND "
                           "%3% = %2%.history_other_key AND %4% = %1%.history_other_key",
                           one, other, make_key_text(one, key), make_key_text(other, key));
}

rows::RowSet read_ids(const std::vector<pg::Row> &found) {
    rows::RowSet rows;
    for (const pg::Row &row : found) {
        rows.add(rows::read_row_id(row));
    }
    return rows;
}

void rewrite(pg::Spi &spi, const catalog::TableInfo &history, const std::vector<std::string> &before,
             const std::vector<std::string> &now) {
    (void)run(
        spi, history,
        sqltext::format(
            "%1% UPDATE %2% AS t SET history_other_key = x.key FROM (SELECT e.tableoid AS part, e.ctid AS "
            "place, CASE WHEN %3% THEN %4% END AS key FROM %2% AS e LEFT JOIN %2% AS c ON "
            "c.history_transaction = e.history_transaction AND c.history_command = e.history_command AND "
            "(c.history_kind = 'K') <> (e.history_kind = 'K') AND c.history_other_key IS NOT NULL AND %5% = "
            "e.history_other_key WHERE e.history_other_key IS NOT NULL) AS x WHERE t.tableoid = x.part AND "
            "t.ctid = x.place",
            session::removal_text, history.name, make_not_null("c", now), make_key_text("c", now),
            make_key_text("c", before)));
    // What changed the former key and not this one is a change like any other.
    std::string is_same = sqltext::format("t.history_other_key = %1%", make_key_text("t", now));
    (void)run(spi, history,
              sqltext::format("%1% DELETE FROM %2% AS t WHERE t.history_kind = 'K' AND %3%",
                              session::removal_text, history.name, is_same));
    (void)run(spi, history,
              sqltext::format("%1% UPDATE %2% AS t SET history_other_key = NULL WHERE %3%",
                              session::removal_text, history.name, is_same));
}

// Histories that name keys of an enum type, or of one that is made of it: by which part of the key, and whether that is of the
// type itself. A history has base types.
constexpr const char *enum_keys_query = R"(
    SELECT t.relation::pg_catalog.oid, t.history::pg_catalog.oid, k.place, a.atttypid = $1::pg_catalog.oid
    FROM softdelete_internal.tracked_table t
    CROSS JOIN LATERAL pg_catalog.unnest(t.key_columns) WITH ORDINALITY AS k (name, place)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = t.history AND a.attname = k.name
    JOIN based b ON b.type = a.atttypid
    ORDER BY 1, 3)";

bool has_other_keys(pg::Spi &spi, const catalog::TableInfo &history) {
    pg::OwnerScope owner(history.owner);
    return !spi
                .query(sqltext::format(
                    "/* softdelete */ SELECT FROM %1% AS t WHERE t.history_other_key IS NOT NULL LIMIT 1",
                    history.name))
                .empty();
}

} // namespace

void remember_key(pg::Spi &spi, Oid relation) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute(
        "UPDATE softdelete_internal.tracked_table SET key_columns = ARRAY(SELECT a.attname FROM "
        "pg_catalog.pg_constraint k CROSS JOIN LATERAL pg_catalog.unnest(k.conkey) WITH ORDINALITY AS "
        "x (number, place) JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = "
        "x.number WHERE k.conrelid = $1::pg_catalog.oid AND k.contype = 'p' ORDER BY x.place) WHERE "
        "relation = $1::pg_catalog.oid",
        {relation});
}

void follow_other_keys(pg::Spi &spi, const catalog::TableInfo &table, const catalog::TableInfo &history) {
    const std::vector<std::string> now = find_key(spi, table);
    std::vector<std::string> before = read_remembered(spi, table.relation);
    if (now.empty() || now == before) {
        return;
    }
    if (!before.empty()) {
        rewrite(spi, history, before, now);
    }
    remember_key(spi, table.relation);
}

void follow_enum_value(pg::Spi &spi, Oid type, const std::string &before, const std::string &now) {
    std::vector<pg::Row> keys;
    {
        pg::UserScope owner(pg::get_extension_owner());
        keys = spi.query(std::string(catalog::with_based_types) + enum_keys_query, {type});
    }
    for (const pg::Row &key : keys) {
        catalog::TableInfo history = catalog::get_table(spi, key.oid(1));
        if (key.boolean(3)) {
            (void)run(spi, history,
                      sqltext::format("%1% UPDATE %2% AS t SET history_other_key[%3%] = %4% WHERE "
                                      "t.history_other_key[%3%] = %5%",
                                      session::removal_text, history.name, key.text(2),
                                      pg::quote_literal(now), pg::quote_literal(before)));
        } else if (has_other_keys(spi, history)) {
            pg::raise({.sqlstate = ERRCODE_FEATURE_NOT_SUPPORTED,
                       .message = sqltext::format("cannot rename value \"%1%\" of a type that keys of table "
                                                  "%2%, which has a history, are made of",
                                                  before, catalog::get_table(spi, key.oid(0)).title),
                       .detail = "Entries of rows that got another key name the former one by its text.",
                       .hint = "End the history with softdelete.untrack_history() first."});
        }
    }
}

rows::RowSet find_taken(pg::Spi &spi, const KeyChange &change, const rows::RowSet &entries) {
    const std::vector<std::string> key = find_key(spi, change.table);
    const std::string query = sqltext::format(
        "/* softdelete */ WITH mine AS MATERIALIZED (SELECT e.*, e.tableoid AS \"softdelete.table\", e.ctid "
        "AS "
        "\"softdelete.place\", %2% AS \"softdelete.key\" FROM %1% AS e WHERE %3%), times AS (SELECT "
        "m.\"softdelete.key\" AS key, min(m.history_at) AS since, max(m.history_at) AS until FROM mine AS m "
        "GROUP BY 1), others AS (SELECT s.key, s.since, s.until, h.history_at AS at, h.history_kind IN ('D', "
        "'T', 'P', 'S') OR (h.history_kind <> 'K' AND h.history_other_key IS NOT NULL) AS ends, EXISTS "
        "(SELECT "
        "FROM mine AS m WHERE %4%) AS is_half FROM %1% AS h JOIN times AS s ON s.key = %5% WHERE "
        "h.history_at "
        "<= s.until AND %6%), taken AS (SELECT o.key FROM others AS o WHERE o.at >= o.since AND NOT "
        "o.is_half "
        "UNION ALL SELECT l.key FROM (SELECT DISTINCT ON (o.key) o.key, o.ends FROM others AS o WHERE o.at < "
        "o.since ORDER BY o.key, o.at DESC, o.ends) AS l WHERE NOT l.ends) SELECT m.\"softdelete.table\", "
        "m.\"softdelete.place\" FROM mine AS m WHERE m.\"softdelete.key\" IN (SELECT t.key FROM taken AS t)",
        change.history.name, make_new_key_text("e", key, change.columns),
        rows::make_membership(change.history, "e", 1), make_halves("h", "m", key), make_key_text("h", key),
        rows::make_exclusion("h", 1));
    pg::OwnerScope owner(change.history.owner);
    pg::ExactTextScope exact;
    return read_ids(spi.query(query, {entries.tables(), entries.positions()}));
}

rows::RowSet name_new_keys(pg::Spi &spi, const KeyChange &change, const rows::RowSet &entries) {
    const std::vector<std::string> key = find_key(spi, change.table);
    const std::string name = change.history.name;
    return read_ids(run(
        spi, change.history,
        sqltext::format(
            "%1% UPDATE %2% AS t SET history_other_key = x.key FROM (SELECT e.tableoid AS part, e.ctid AS "
            "place, %3% AS key FROM (SELECT * FROM %2% AS h WHERE %4% AND h.history_other_key IS NOT NULL) "
            "AS c JOIN %2% AS e ON %5%) AS x WHERE t.tableoid = x.part AND t.ctid = x.place RETURNING "
            "t.tableoid, t.ctid",
            session::removal_text, name, make_new_key_text("c", key, change.columns),
            rows::make_membership(change.history, "h", 1), make_halves("c", "e", key)),
        {entries.tables(), entries.positions()}));
}

void forget_former_keys(pg::Spi &spi, const KeyChange &change, const rows::RowSet &entries) {
    (void)run(spi, change.history,
              sqltext::format(
                  "%1% UPDATE %2% AS t SET history_other_key = NULL WHERE t.history_kind = 'K' AND "
                  "EXISTS (SELECT FROM %2% AS e WHERE %3% AND %4%)",
                  session::removal_text, change.history.name, rows::make_membership(change.history, "e", 1),
                  make_halves("e", "t", find_key(spi, change.table))),
              {entries.tables(), entries.positions()});
}

void drop_same_keys(pg::Spi &spi, const KeyChange &change, const rows::RowSet &entries) {
    const std::string is_same =
        sqltext::format("t.history_other_key = %1% AND %2%", make_key_text("t", find_key(spi, change.table)),
                        rows::make_membership(change.history, "t", 1));
    const std::vector<pg::Parameter> its = {entries.tables(), entries.positions()};
    (void)run(spi, change.history,
              sqltext::format("%1% DELETE FROM %2% AS t WHERE t.history_kind = 'K' AND %3%",
                              session::removal_text, change.history.name, is_same),
              its);
    (void)run(spi, change.history,
              sqltext::format("%1% UPDATE %2% AS t SET history_other_key = NULL WHERE %3%",
                              session::removal_text, change.history.name, is_same),
              its);
}

void rename_key_column(pg::Spi &spi, Oid relation, const std::string &before, const std::string &now) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute(
        "UPDATE softdelete_internal.tracked_table SET key_columns = "
        "pg_catalog.array_replace(key_columns, $2::pg_catalog.name, $3::pg_catalog.name) WHERE relation "
        "= $1::pg_catalog.oid",
        {relation, before, now});
}

} // namespace softdelete::history
