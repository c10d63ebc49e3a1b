// set_anonymizer(): checks a rule and keeps it. A rule is parsed as the table's owner, as whom it will run, and kept as
// the server deparses it. Called by api/erasure; ddl/follow_anonymizers keeps rules in step with columns.
#include "erasure/set_anonymizer.hpp"
#include "erasure/anonymize_row.hpp"
#include "sqltext/format.hpp"

#include "pg/column_expression.hpp"
#include "pg/interruptions.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "registry/anonymizers.hpp"
#include "registry/registry.hpp"
#include "rows/named_row.hpp"

#include <algorithm>

namespace softdelete::erasure {

namespace {

using catalog::TableInfo;

struct ColumnFacts {
    bool is_not_null;
    bool is_generated;
    bool is_link;   // of a foreign key, or a key of numbers or uuids, which are nobody's values
    bool is_unique; // of a unique index
    // A foreign key that references it and would not follow its change, and that key's table; empty for none.
    std::string unfollowing_key;
    std::string unfollowing_table;
};

ColumnFacts get_facts(pg::Spi &spi, const TableInfo &table, const std::string &column) {
    std::vector<pg::Row> rows =
        spi.query("SELECT a.attnotnull, a.attgenerated <> '' OR a.attidentity = 'a',"
                  " EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.contype = 'f'"
                  " AND k.conrelid = a.attrelid AND a.attnum = ANY (k.conkey))"
                  " OR (a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'uuid'::regtype)"
                  " AND EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE (k.contype = 'p'"
                  " AND k.conrelid = a.attrelid AND a.attnum = ANY (k.conkey)) OR (k.contype = 'f'"
                  " AND k.confrelid = a.attrelid AND a.attnum = ANY (k.confkey)))),"
                  " EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique"
                  " AND a.attnum = ANY (i.indkey)), f.conname, f.conrelid::pg_catalog.regclass"
                  " FROM pg_catalog.pg_attribute a LEFT JOIN LATERAL (SELECT k.conname, k.conrelid"
                  " FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.confrelid = a.attrelid"
                  " AND a.attnum = ANY (k.confkey) AND k.confupdtype <> 'c'"
                  " ORDER BY k.conrelid, k.conname LIMIT 1) f ON true"
                  " WHERE a.attrelid = $1::pg_catalog.oid AND a.attname = "
                  "$2::pg_catalog.name AND a.attnum > 0 AND NOT a.attisdropped",
                  {table.relation, column});
    if (rows.empty()) {
        pg::raise(
            {.sqlstate = ERRCODE_UNDEFINED_COLUMN,
             .message = sqltext::format("column \"%1%\" of relation %2% does not exist", column, table.title),
             .relation = table.relation});
    }
    const pg::Row &row = rows.front();
    return {row.boolean(0), row.boolean(1),     row.boolean(2),
            row.boolean(3), row.text_or(4, ""), row.text_or(5, "")};
}

struct Refusal {
    std::string detail;
    std::string hint = "softdelete.erase() removes the whole row.";
};

std::optional<Refusal> find_refusal(const TableInfo &table, const std::string &column,
                                    const ColumnFacts &facts) {
    std::string quoted = pg::quote_identifier(column);
    if (quoted == table.deleted_at || quoted == "deletion_id") {
        return Refusal{"Soft delete keeps its own record in this column."};
    }
    if (facts.is_generated) {
        return Refusal{"It is generated; anonymize the columns that it is made of."};
    }
    if (facts.is_link) {
        return Refusal{"It belongs to a primary or foreign key, by which rows are found."};
    }
    if (!facts.unfollowing_key.empty()) {
        return Refusal{
            sqltext::format("Foreign key \"%1%\" of table %2% references it and does not say ON UPDATE "
                            "CASCADE.",
                            facts.unfollowing_key, facts.unfollowing_table),
            "Make the foreign key anew with ON UPDATE CASCADE, or remove the whole row by "
            "softdelete.erase()."};
    }
    return std::nullopt;
}

void check_column(const TableInfo &table, const std::string &column, const ColumnFacts &facts) {
    if (std::optional<Refusal> refusal = find_refusal(table, column, facts)) {
        pg::raise(
            {.sqlstate = ERRCODE_FEATURE_NOT_SUPPORTED,
             .message = sqltext::format("cannot anonymize column \"%1%\" of table %2%", column, table.title),
             .detail = refusal->detail,
             .hint = refusal->hint,
             .relation = table.relation});
    }
}

void check_rule(const TableInfo &table, const std::string &column, const ColumnFacts &facts,
                const pg::ColumnExpression &rule) {
    if (!rule.refused.empty()) {
        pg::raise({.sqlstate = ERRCODE_INVALID_OBJECT_DEFINITION,
                   .message = sqltext::format("function %1%() is not allowed in a rule for anonymization",
                                              rule.refused),
                   .detail = "It is volatile: it may change something.",
                   .hint = "Use immutable and stable functions, random() or gen_random_uuid(). Mark your own "
                           "function STABLE if it is.",
                   .relation = table.relation});
    }
    if (rule.is_null && facts.is_not_null) {
        pg::raise(
            {.sqlstate = ERRCODE_NOT_NULL_VIOLATION,
             .message = sqltext::format("column \"%1%\" of table %2% must not be null", column, table.title),
             .hint = "Give a value, such as '' or 'removed'.",
             .relation = table.relation});
    }
    if (facts.is_unique && !rule.reads_columns && !rule.is_volatile && !rule.is_null) {
        pg::warn(
            sqltext::format("column \"%1%\" of table %2% is unique, and the rule gives every row the same "
                            "value",
                            column, table.title),
            "Let the rule use the key, as in 'deleted_' || id || '@removed.invalid'.");
    }
}

// Also of a column that was dropped while event triggers were off.
bool has_rule(pg::Spi &spi, const TableInfo &table, const std::string &column) {
    const std::vector<registry::Anonymizer> rules = registry::find_anonymizers(spi, table.relation);
    return std::ranges::any_of(rules,
                               [&](const registry::Anonymizer &rule) { return rule.column == column; });
}

void remove_rule(pg::Spi &spi, const TableInfo &table, const std::string &column) {
    registry::delete_anonymizer(spi, table.relation, column);
    auto registration = registry::find_registration(spi, table.relation);
    bool is_needed = registration ? registration->settings.on_expiry == model::OnExpiry::anonymize
                                  : anonymizes_archive(spi, table.relation);
    if (is_needed && registry::find_anonymizers(spi, table.relation).empty()) {
        pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   .message = sqltext::format("table %1% needs a rule for anonymization", table.title),
                   .detail = "Its rows are anonymized when their retention ends.",
                   .hint = "Set another rule first, or run softdelete.configure() with on_expiry => 'purge'.",
                   .relation = table.relation});
    }
}

// What the server says of an expression counts places in a statement that nobody has written.
pg::ColumnExpression parse_rule(const TableInfo &table, const std::string &column,
                                const std::string &expression) {
    try {
        return pg::parse_column_expression(table.relation, column, expression);
    } catch (pg::ServerError &error) {
        error.clear_position();
        if (!error.has_hint() && !pg::is_interruption(error)) {
            error.set_hint("Give one SQL expression over columns of the row, such as 'removed ' || id.");
        }
        throw;
    }
}

} // namespace

void set_anonymizer(Oid relation, const std::string &column, const std::optional<std::string> &expression) {
    pg::Spi spi;
    TableInfo table = rows::get_owned_soft_table(spi, relation);
    if (!expression) {
        if (!has_rule(spi, table, column)) {
            (void)get_facts(spi, table, column); // raises where there is no such column
        }
        remove_rule(spi, table, column);
        return;
    }
    ColumnFacts facts = get_facts(spi, table, column);
    check_column(table, column, facts);
    pg::UserScope owner(table.owner);
    pg::ColumnExpression rule = parse_rule(table, column, *expression);
    check_rule(table, column, facts, rule);
    registry::put_anonymizer(spi, table.relation, {column, rule.text});
}

} // namespace softdelete::erasure
