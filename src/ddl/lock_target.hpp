// The table that a command is about, as it is when the command has it. Plain server code.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// Before a command: takes the locks that it takes, on what it names, so that all which is asked of a table afterwards stays
// true: its registration may be coming, changing or ending in another session at this moment. The relation is looked up again,
// as it may have been replaced meanwhile. Before commands that name no relation: takes note of what was committed.
void lock_target(DdlCommand *command);

} // namespace softdelete::ddl
