// New indexes and constraints of a registered table cover live rows only, as those that it had when it was registered.
// The condition goes into the command before it runs, so that nothing is built twice and deleted rows are in no one's
// way.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// Before CREATE INDEX or ALTER TABLE runs: adds the condition, and takes UNIQUE constraints out, which cannot have one.
// Changes the statement in place, in its own memory, as utility commands allow it.
void prepare_indexes(const DdlCommand &command);

// After it ran: makes the unique indexes that stand for those constraints, and records what was made partial, for
// unregister().
void finish_indexes();

// Called by the abort callbacks: what commands of that level or below have prepared. What they run may roll back a
// savepoint of its own. And where a transaction commits, as CREATE INDEX CONCURRENTLY does on its way.
void forget_prepared_indexes(int nest_level, bool is_commit = false) noexcept;

} // namespace softdelete::ddl
