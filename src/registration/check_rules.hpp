// Rules that replace DELETE or UPDATE would rewrite the statements that restore rows or remove them for good as well.
#pragma once

#include "catalog/table_catalog.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::registration {

// Raises 42809 where the table, a partition or a child of it has such a rule; what: "register", "attach" ...
void check_rules(pg::Spi &spi, const catalog::Table &table, const char *what);

// After CREATE RULE and ALTER TABLE ... ENABLE RULE: raises 55000 where a registered table has one now.
void refuse_rule(const Node *statement);

} // namespace softdelete::registration
