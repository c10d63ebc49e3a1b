// Tables become partitions and inheritance children of registered ones, and stop being that.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// Before ATTACH PARTITION and INHERIT: prepares the table for its registered parent; refuses to put a registered table
// under one that is not. Errors: 55000, and those of prepare_member().
void prepare_members(const DdlCommand &command);

// After CREATE TABLE, ATTACH, DETACH, INHERIT and NO INHERIT: what came is taken on, what left is registered alone.
// Errors: those of take_on_member(); 55000 for a child that has an unregistered parent as well.
void finish_members(const DdlCommand &command);

} // namespace softdelete::ddl
