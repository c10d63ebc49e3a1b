// softdelete_internal.anonymizer: what anonymization writes into which columns. Read and written as the extension's owner.
#pragma once

#include "pg/spi.hpp"

#include <optional>
#include <string>
#include <vector>

namespace softdelete::registry {

struct Anonymizer {
    std::string column; // as it is, not quoted
    std::string expression;
};

// In the order of the columns' names.
std::vector<Anonymizer> find_anonymizers(pg::Spi &spi, Oid relation);

// Those for rows of the table: its own, and of tables that it inherits from, for columns without a rule nearer to it.
std::vector<Anonymizer> find_rules_for_rows(pg::Spi &spi, Oid relation);

// The tables that have rules.
std::vector<Oid> find_tables_with_rules(pg::Spi &spi);

struct TableRule {
    Oid relation;
    Anonymizer rule;
    std::string objects; // exact identities of what it names besides columns of its table, one a line
};

// Those of all tables.
std::vector<TableRule> find_all_anonymizers(pg::Spi &spi);

// Until the transaction ends nobody else changes the rule. Waits for whoever does, and returns the expression that it has then; nothing
// where it is gone.
std::optional<std::string> lock_anonymizer(pg::Spi &spi, Oid relation, const std::string &column);

// Those that name one of these objects: the first one of these alone stands in TableRule::objects. identities: exact ones.
std::vector<TableRule> find_rules_naming(pg::Spi &spi, const std::vector<std::string> &identities);

// Replaces a former rule of the same column. objects: as pg::find_named_objects() gives them.
void put_anonymizer(pg::Spi &spi, Oid relation, const Anonymizer &rule,
                    const std::vector<std::string> &objects);

// Its column has got another name. A rule that a column of that name has left goes.
void rename_anonymizer(pg::Spi &spi, Oid relation, const std::string &column, const std::string &name);

void delete_anonymizer(pg::Spi &spi, Oid relation, const std::string &column);

} // namespace softdelete::registry
