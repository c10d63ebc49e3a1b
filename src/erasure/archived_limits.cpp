// An archive takes what any row of its table had, and has neither its constraints nor its domains. Called by erasure/overwrite_rows.
#include "erasure/archived_limits.hpp"

#include "pg/compat.hpp"
#include "sqltext/format.hpp"

#include <cstdlib>

namespace softdelete::erasure {

namespace {

// Domains over domains have the length of the innermost.
constexpr const char *limits_query = R"(
    WITH RECURSIVE types (name, is_required, type, is_domain, base, typmod) AS (
        SELECT pg_catalog.quote_ident(a.attname), a.attnotnull, pg_catalog.format_type(a.atttypid, a.atttypmod), t.typtype = 'd',
               a.atttypid, a.atttypmod
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT u.name, u.is_required, u.type, u.is_domain, t.typbasetype, t.typtypmod
        FROM types u JOIN pg_catalog.pg_type t ON t.oid = u.base AND t.typtype = 'd')
    SELECT u.name, u.is_required, CASE WHEN u.is_domain OR u.typmod >= 0 THEN u.type END,
           u.typmod >= 0 AND coalesce(e.oid, u.base) IN ('pg_catalog.varchar'::pg_catalog.regtype, 'pg_catalog.bpchar'::pg_catalog.regtype,
                                                          'pg_catalog.bit'::pg_catalog.regtype, 'pg_catalog.varbit'::pg_catalog.regtype)
    FROM types u
    JOIN pg_catalog.pg_type t ON t.oid = u.base AND t.typtype <> 'd'
    LEFT JOIN pg_catalog.pg_type e ON t.typcategory = 'A' AND e.oid = t.typelem)";

constexpr const char *checks_query = R"(
    SELECT k.conname, pg_catalog.pg_get_expr(k.conbin, k.conrelid), 0 = ANY (k.conkey)
    FROM pg_catalog.pg_constraint k
    WHERE k.conrelid = $1::pg_catalog.oid AND k.contype = 'c' AND %1%
          AND (0 = ANY (k.conkey) OR EXISTS (
              SELECT FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND pg_catalog.quote_ident(a.attname) = ANY ($2::pg_catalog.text[])))
    ORDER BY k.conname)";

// Those of the table, and whether the archive has them.
constexpr const char *columns_query = R"(
    SELECT pg_catalog.quote_ident(a.attname), k.attname IS NOT NULL
    FROM pg_catalog.pg_attribute a
    LEFT JOIN pg_catalog.pg_attribute k ON k.attrelid = $2::pg_catalog.oid AND k.attname = a.attname AND NOT k.attisdropped
    WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum)";

// The archived row as one of the table's, in SQL: by its columns, or as a value of the table's type.
struct SourceRow {
    std::string columns;
    std::string values;
};

SourceRow make_row(const std::vector<pg::Row> &columns, const std::string &alias,
                   const std::vector<Assignment> &cast) {
    SourceRow row;
    for (const pg::Row &column : columns) {
        std::string value = column.boolean(1) ? alias + "." + column.text(0) : "NULL";
        for (const Assignment &assignment : cast) {
            if (assignment.column == column.text(0) && !assignment.limits.type.empty()) {
                value = sqltext::format("CAST(%1% AS %2%)", value, assignment.limits.type);
            }
        }
        row.columns += sqltext::format("%1% AS %2%, ", value, column.text(0));
        row.values += (row.values.empty() ? "" : ", ") + value;
    }
    return row;
}

// name: the table's. A constraint may look at the row as a whole, or at tableoid.
std::string make_check(const std::string &expression, bool is_of_row, const SourceRow &row, Oid source,
                       const std::string &name, const std::string &alias) {
    if (is_of_row) {
        return sqltext::format("(SELECT %1% FROM pg_catalog.unnest(ARRAY[CAST(ROW(%2%) AS %3%)]) AS %4%)",
                               expression, row.values, name, alias);
    }
    return sqltext::format("(SELECT %1% FROM (SELECT %2%CAST(%3% AS pg_catalog.oid) AS tableoid) AS %4%)",
                           expression, row.columns, source, alias);
}

// Of an archive the server computes none of the columns that it computes for the table.
constexpr const char *generated_query = R"(
    SELECT pg_catalog.quote_ident(a.attname), pg_catalog.pg_get_expr(d.adbin, d.adrelid),
           pg_catalog.format_type(k.atttypid, k.atttypmod)
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    JOIN pg_catalog.pg_attribute k ON k.attrelid = $2::pg_catalog.oid AND k.attname = a.attname
    WHERE a.attrelid = $1::pg_catalog.oid AND a.attgenerated = 's' AND NOT a.attisdropped
    ORDER BY a.attnum)";

} // namespace

void add_generated(pg::Spi &spi, const TableInfo &archive, Oid source, std::vector<Assignment> *assignments) {
    for (const pg::Row &row : spi.query(generated_query, {source, archive.relation})) {
        assignments->push_back({row.text(0), row.text(1), row.text(2), true});
    }
}

void add_limits(pg::Spi &spi, Oid source, std::vector<Assignment> *assignments) {
    for (const pg::Row &row : spi.query(limits_query, {source})) {
        for (Assignment &assignment : *assignments) {
            if (assignment.column == row.text(0)) {
                assignment.limits = {row.boolean(1), row.text_or(2, ""), row.boolean(3)};
            }
        }
    }
}

std::vector<TableCheck> find_checks(pg::Spi &spi, Oid archive, Oid source, const std::string &alias,
                                    const std::vector<Assignment> &assignments) {
    std::vector<std::string> overwritten;
    for (const Assignment &assignment : assignments) {
        overwritten.push_back(assignment.column);
    }
    std::vector<TableCheck> checks;
    const std::vector<pg::Row> found = spi.query(
        sqltext::format(checks_query, pg::compat::enforced_condition), {source, pg::make_array(overwritten)});
    if (found.empty()) {
        return checks;
    }
    const std::vector<pg::Row> columns = spi.query(columns_query, {source, archive});
    const SourceRow before = make_row(columns, alias, {});
    const SourceRow after = make_row(columns, alias, assignments);
    const std::string name = catalog::get_table(spi, source).name;
    for (const pg::Row &row : found) {
        checks.push_back({row.text(0), make_check(row.text(1), row.boolean(2), before, source, name, alias),
                          make_check(row.text(1), row.boolean(2), after, source, name, alias)});
    }
    return checks;
}

std::string make_misfit(const std::vector<Assignment> &assignments, const std::vector<TableCheck> &checks,
                        const std::string &alias) {
    std::string cases;
    for (std::size_t i = 0; i < assignments.size(); i++) {
        const Limits &limits = assignments[i].limits;
        const std::string value = alias + "." + assignments[i].column;
        if (limits.is_required) {
            cases += sqltext::format(" WHEN %1% IS NOT DISTINCT FROM NULL THEN -%2%", value, i + 1);
        }
        if (!limits.type.empty()) {
            cases += sqltext::format(
                limits.cuts
                    ? sqltext::Pattern(" WHEN CAST(CAST(%1% AS %2%) AS pg_catalog.text) <> CAST(%1% AS "
                                       "pg_catalog.text) THEN %3%")
                    : sqltext::Pattern(" WHEN CAST(%1% AS %2%) IS NULL AND %1% IS NOT NULL THEN %3%"),
                value, limits.type, i + 1);
        }
    }
    for (std::size_t i = 0; i < checks.size(); i++) {
        cases += sqltext::format(" WHEN %1% IS FALSE AND \"softdelete.new\".c%2% IS NOT FALSE THEN %3%",
                                 checks[i].after, i, assignments.size() + i + 1);
    }
    return cases.empty() ? "NULL" : sqltext::format("CASE%1% END", cases);
}

void raise_misfit(const catalog::TableInfo &table, const std::vector<Assignment> &assignments,
                  const std::vector<TableCheck> &checks, std::int64_t number) {
    const std::size_t place = static_cast<std::size_t>(std::abs(number) - 1);
    if (place >= assignments.size()) {
        pg::raise({.sqlstate = ERRCODE_CHECK_VIOLATION,
                   .message = sqltext::format("new row for relation %1% violates check constraint \"%2%\"",
                                              table.title, checks.at(place - assignments.size()).name),
                   .detail = "Rules for anonymization give archived rows values with which they could not be "
                             "restored.",
                   .hint = "Give the columns other rules by softdelete.set_anonymizer().",
                   .relation = table.relation});
    }
    const Assignment &assignment = assignments[place];
    const bool is_null = number < 0;
    pg::raise({.sqlstate = is_null ? ERRCODE_NOT_NULL_VIOLATION : ERRCODE_STRING_DATA_RIGHT_TRUNCATION,
               .message = is_null ? sqltext::format("null value in column %1% of table %2% violates not-null "
                                                    "constraint",
                                                    assignment.column, table.title)
                                  : sqltext::format("value too long for type %1%", assignment.limits.type),
               .detail = sqltext::format("A rule for anonymization gives it to archived rows of column %1%, "
                                         "which could not be restored.",
                                         assignment.column),
               .hint = "Give the column another rule by softdelete.set_anonymizer().",
               .relation = table.relation});
}

} // namespace softdelete::erasure
