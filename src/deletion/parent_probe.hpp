// Finds and locks the parent of a new row by the index that the foreign key uses. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "executor/tuptable.h"
#include "utils/palloc.h"
#include "utils/rel.h"
}

namespace softdelete::deletion {

struct ParentProbe;

// For the rows that a statement inserts into the child table. Locks the parent table as the server's check does. What it
// allocates lives in the memory context given.
ParentProbe *make_parent_probe(Oid key, Relation child, MemoryContext memory);

// Is the row's parent live, and locked FOR KEY SHARE now? False says nothing: the server has to look, as where the key does not
// lend itself to a probe, a column is NULL, the parent is deleted, or somebody has changed it.
bool is_live_parent_locked(const ParentProbe *probe, TupleTableSlot *row);

} // namespace softdelete::deletion
