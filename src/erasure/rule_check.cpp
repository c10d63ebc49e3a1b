// Whether an expression can be the rule of a column. It is parsed as the table's owner, as whom it will run. Called by
// set_anonymizer(), by DDL that may make a rule unfit, by check(), and before rules are used.
#include "erasure/rule_check.hpp"

#include "pg/interruptions.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "pg/transactions.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "utils/lsyscache.h"
}

namespace softdelete::erasure {

namespace {

using catalog::TableInfo;
using registry::Anonymizer;

struct ColumnFacts {
    bool is_not_null;
    bool is_generated;
    bool is_link;   // of a foreign key
    bool is_number; // a key of numbers or uuids, which are nobody's values
    bool is_unique; // of a unique index
    // A foreign key that references it and would not follow its change, and that key's table; empty for none.
    std::string unfollowing_key;
    std::string unfollowing_table;
};

ColumnFacts get_facts(pg::Spi &spi, const TableInfo &table, const std::string &column) {
    std::vector<pg::Row> rows =
        spi.query("SELECT a.attnotnull, a.attgenerated <> '' OR a.attidentity = 'a',"
                  " EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.contype = 'f'"
                  " AND k.conrelid = a.attrelid AND a.attnum = ANY (k.conkey)),"
                  " (a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'uuid'::regtype)"
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
    return {row.boolean(0), row.boolean(1),     row.boolean(2),    row.boolean(3),
            row.boolean(4), row.text_or(5, ""), row.text_or(6, "")};
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
    if (facts.is_link || facts.is_number) {
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

void check_functions(const TableInfo &table, const pg::ColumnExpression &rule) {
    if (!rule.refused.empty()) {
        pg::raise({.sqlstate = ERRCODE_INVALID_OBJECT_DEFINITION,
                   .message = sqltext::format("function %1%() is not allowed in a rule for anonymization",
                                              rule.refused),
                   .detail = "It is volatile: it may change something.",
                   .hint = "Use immutable and stable functions, random() or gen_random_uuid(). Mark your own "
                           "function STABLE if it is.",
                   .relation = table.relation});
    }
}

void check_null(const TableInfo &table, const std::string &column, const ColumnFacts &facts,
                const pg::ColumnExpression &rule) {
    if (rule.is_null && facts.is_not_null) {
        pg::raise(
            {.sqlstate = ERRCODE_NOT_NULL_VIOLATION,
             .message = sqltext::format("column \"%1%\" of table %2% must not be null", column, table.title),
             .hint = "Give a value, such as '' or 'removed'.",
             .relation = table.relation});
    }
}

// What the server says of an expression counts places in a statement that nobody has written.
pg::ColumnExpression parse_rule(const TableInfo &table, const Anonymizer &rule) {
    pg::UserScope owner(table.owner);
    try {
        return pg::parse_column_expression(table.relation, rule.column, rule.expression);
    } catch (pg::ServerError &error) {
        error.clear_position();
        if (error.sqlstate() == ERRCODE_UNDEFINED_FUNCTION || error.sqlstate() == ERRCODE_UNDEFINED_OBJECT) {
            error.set_hint(
                "Write functions, types and operators of your own with their schema: the rule goes by no "
                "search_path. Arguments may need casts.");
        } else if (!error.has_hint() && !pg::is_interruption(error)) {
            error.set_hint("Give one SQL expression over columns of the row, such as 'removed ' || id.");
        }
        throw;
    }
}

// What the error says that look raises; nothing where it raises none.
template <typename Look>
std::optional<std::string> find_error(const Look &look) {
    try {
        pg::Subtransaction savepoint;
        look();
        savepoint.commit();
        return std::nullopt;
    } catch (const pg::ServerError &error) {
        if (pg::is_interruption(error)) {
            throw;
        }
        const std::string detail = error.detail() == nullptr ? "" : std::string(". ") + error.detail();
        return error.message() + detail;
    }
}

} // namespace

bool has_column(Oid relation, const std::string &column) {
    return pg::call([&] { return get_attnum(relation, column.c_str()) != InvalidAttrNumber; });
}

CheckedRule check_rule(pg::Spi &spi, const TableInfo &table, const Anonymizer &rule, RuleAge age) {
    ColumnFacts facts = get_facts(spi, table, rule.column);
    facts.is_number = facts.is_number && age == RuleAge::fresh;
    check_column(table, rule.column, facts);
    const pg::ColumnExpression parsed = parse_rule(table, rule);
    check_functions(table, parsed);
    check_null(table, rule.column, facts, parsed);
    return {parsed.text, parsed.tree,
            facts.is_unique && !parsed.reads_columns && !parsed.is_volatile && !parsed.is_null};
}

void check_column_exists(pg::Spi &spi, const TableInfo &table, const std::string &column) {
    (void)get_facts(spi, table, column);
}

std::optional<std::string> find_fault(pg::Spi &spi, const TableInfo &table, const Anonymizer &rule) {
    return find_error([&] { (void)check_rule(spi, table, rule, RuleAge::standing); });
}

std::optional<std::string> find_fault_of_expression(const TableInfo &table, const Anonymizer &rule) {
    return find_error([&] { check_functions(table, parse_rule(table, rule)); });
}

std::optional<std::string> find_fault_of_key(pg::Spi &spi, const TableInfo &table, const Anonymizer &rule,
                                             Oid key) {
    const std::vector<pg::Row> rows =
        spi.query("SELECT k.conname, k.conrelid::pg_catalog.regclass FROM pg_catalog.pg_constraint k"
                  " JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey)"
                  " WHERE k.oid = $1::pg_catalog.oid AND a.attname = $2::pg_catalog.name"
                  " AND k.confupdtype <> 'c'",
                  {key, rule.column});
    if (rows.empty()) {
        return std::nullopt;
    }
    ColumnFacts facts = {};
    facts.unfollowing_key = rows.front().text(0);
    facts.unfollowing_table = rows.front().text(1);
    return find_error([&] { check_column(table, rule.column, facts); });
}

void check_usable(const TableInfo &table, const std::vector<Anonymizer> &rules) {
    for (const Anonymizer &rule : rules) {
        if (!has_column(table.relation, rule.column)) { // which erasure/overwrite_rows says
            continue;
        }
        if (const auto fault = find_fault_of_expression(table, rule)) {
            pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                       .message = sqltext::format(
                           "the rule for anonymization of column \"%1%\" of table %2% cannot be used",
                           rule.column, table.title),
                       .detail = *fault,
                       .hint = "Set another one by softdelete.set_anonymizer(), or take it away with NULL.",
                       .relation = table.relation});
        }
    }
}

} // namespace softdelete::erasure
