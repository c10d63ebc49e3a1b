// The table that a command is about, as it is when the command has it. Plain server code.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// Before ALTER TABLE and CREATE INDEX: takes the lock that the command takes, with the checks that it makes first, so that
// a table which another session registers at this moment is known to be. Before others: takes note of what was committed.
void lock_target(DdlCommand *command);

} // namespace softdelete::ddl
