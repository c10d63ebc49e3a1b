// softdelete_internal.anonymizer: what anonymization writes into which columns. Read and written as the extension's owner.
#pragma once

#include "pg/spi.hpp"

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
    std::string objects; // the identities of what it names besides columns of its table, without quotes
};

// Those of all tables.
std::vector<TableRule> find_all_anonymizers(pg::Spi &spi);

enum class RuleAccess {
    set,   // sets a rule, after a look at what it names
    rename // renames or drops what rules may name, after a look at them
};

// Until the transaction ends, who sets a rule and who renames or drops functions, types and the like do not meet: the later one waits,
// and sees what the other has done. Taken before the look.
void lock_rules(RuleAccess access);

// Those that name one of these objects, which alone stands in TableRule::objects. Identities may have quotes.
std::vector<TableRule> find_rules_naming(pg::Spi &spi, const std::vector<std::string> &identities);

// Replaces a former rule of the same column. objects: as pg::find_named_objects() gives them.
void put_anonymizer(pg::Spi &spi, Oid relation, const Anonymizer &rule,
                    const std::vector<std::string> &objects);
void delete_anonymizer(pg::Spi &spi, Oid relation, const std::string &column);

} // namespace softdelete::registry
