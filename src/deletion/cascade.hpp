// The cascade of soft deletes along foreign keys: keys are collected per row, then worked off per foreign key and level
// by one UPDATE per thousand keys. A work list, never recursion. Plain server code.
#pragma once

#include "catalog/foreign_key_info.hpp"

extern "C" {
#include "executor/tuptable.h"
}

namespace softdelete::deletion {

// Notes that the row in slot, of relation, was soft-deleted by that deletion (0: unknown), for each of the keys that
// reference the relation.
void collect_deleted_row(Relation relation, List *keys, HeapTuple row, int64 deletion);

// Called when the triggers of the innermost statement are through: deletes the children of collected rows, level by
// level, as their tables' owners, and checks RESTRICT keys in between, when the server would, and NO ACTION after. Does
// nothing for the cascade's own statements.
// Locks: as DELETE on the children. Errors: 23503 (23001 for RESTRICT from 18 on) where a live child exists.
void finish_statement();

// The time of a deferrable NO ACTION key has come for this deleted row: raises where a live child still references it.
// While a statement fires its triggers that is decided when its cascade is through.
void check_children(Relation relation, const catalog::ForeignKeyInfo &key, HeapTuple row);

// Called by the abort and transaction callbacks.
void forget_cascades(int nest_level) noexcept;
// Called where a subtransaction of that level commits: what it collected is its parent's.
void keep_cascades(int nest_level) noexcept;

// Registers the invalidation callbacks; called once from _PG_init.
void install_cascade();

} // namespace softdelete::deletion
