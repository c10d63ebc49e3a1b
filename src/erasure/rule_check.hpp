// Whether an expression can be the rule of a column.
#pragma once

#include "catalog/table_info.hpp"
#include "pg/column_expression.hpp"
#include "registry/anonymizers.hpp"

#include <optional>
#include <string>
#include <vector>

namespace softdelete::erasure {

struct CheckedRule {
    std::string text; // as the server deparses it
    Node *tree;       // analyzed
    bool makes_alike; // gives all rows the same value in a column that is unique
};

// A standing rule may give another value to a key of numbers that has become referenced since.
enum class RuleAge { fresh, standing };

// Errors: 42703 no such column; 0A000 a column that keys, soft delete or the server itself write; 42P17 functions with side
// effects; 23502 NULL for a NOT NULL column; those of pg::parse_column_expression().
CheckedRule check_rule(pg::Spi &spi, const catalog::TableInfo &table, const registry::Anonymizer &rule,
                       RuleAge age = RuleAge::fresh);

bool has_column(Oid relation, const std::string &column);

// Raises 42703 where there is no such column.
void check_column_exists(pg::Spi &spi, const catalog::TableInfo &table, const std::string &column);

// What check_rule() would say of a rule that was fit once; nothing where it still is. In a savepoint of its own.
std::optional<std::string> find_fault(pg::Spi &spi, const catalog::TableInfo &table,
                                      const registry::Anonymizer &rule);

// The same of what its expression names alone, whatever the column.
std::optional<std::string> find_fault_of_expression(const catalog::TableInfo &table,
                                                    const registry::Anonymizer &rule);

// What check_rule() would say of the column of such a rule because of that foreign key, which references its table; nothing where
// the key leaves the column alone or follows it.
std::optional<std::string> find_fault_of_key(pg::Spi &spi, const catalog::TableInfo &table,
                                             const registry::Anonymizer &rule, Oid key);

// Before they are used. Errors: 55000 where one names what is gone, or a function with side effects.
void check_usable(const catalog::TableInfo &table, const std::vector<registry::Anonymizer> &rules);

} // namespace softdelete::erasure
