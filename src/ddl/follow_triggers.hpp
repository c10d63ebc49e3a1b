// ENABLE TRIGGER ALL and ENABLE TRIGGER USER, which data-only dumps end with, leave triggers firing ORIGIN only. Ours go
// back to ALWAYS.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// Is the statement one that may leave triggers of ours enabled otherwise than ALWAYS?
bool enables_triggers(const DdlCommand &command);

// After such a statement: what refuses physical deletes on its table and the partitions fires ALWAYS again.
void enable_own_triggers(const DdlCommand &command);

} // namespace softdelete::ddl
