// DROP INDEX of what softdelete needs, as tools send it that compare schemas: its own indexes, and the index that stands
// for a UNIQUE constraint while the table is registered.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// Raises 2BP01. Other indexes are the user's to drop, unique ones too.
void refuse_index_drop(const DdlCommand &command);

} // namespace softdelete::ddl
