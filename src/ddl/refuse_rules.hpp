// Rules that a command adds to a registered table, or enables on it.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// After CREATE RULE and ALTER TABLE ... ENABLE RULE: raises 55000 where a registered table has one now.
void refuse_rule(const DdlCommand &command);

} // namespace softdelete::ddl
