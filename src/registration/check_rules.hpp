// Rules that replace DELETE or UPDATE would rewrite the statements that restore rows or remove them for good as well.
#pragma once

#include "catalog/table_catalog.hpp"

namespace softdelete::registration {

// Raises 42809 where the table, a partition or a child of it has such a rule; what: "register", "attach" ...
void check_rules(pg::Spi &spi, const catalog::Table &table, const char *what);

// Raises 0A000 where the table has a rule for INSERT, DO ALSO as well: to be called for tables that are to have an archive.
void check_insert_rules(pg::Spi &spi, const catalog::Table &table);

// Why a rule for DELETE or UPDATE is refused: a whole sentence.
inline constexpr const char *replacing_rule_reason =
    "The rule would rewrite the statements that restore rows or remove them for good as well.";

} // namespace softdelete::registration
