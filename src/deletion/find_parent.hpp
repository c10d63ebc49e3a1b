// Is the row that a child references live? Plain server code, called per row.
#pragma once

#include "catalog/foreign_key_info.hpp"

extern "C" {
#include "access/htup.h"
#include "storage/itemptr.h"
#include "utils/snapshot.h"
}

namespace softdelete::deletion {

enum class ParentState { live, deleted, absent };

struct Parent {
    ParentState state;
    CommandId written_by; // the command of this transaction that wrote a deleted one; else InvalidCommandId
    // Of a deleted one that is one row.
    int64 deletion; // 0 for none
    Oid table;      // or the partition that it is in
    ItemPointerData place;
};

// Looks up the parent of a row of the child table as it is committed by now, or by this transaction. Where lock is
// true it locks a live parent FOR KEY SHARE, waiting for whoever deletes it. A parent table that is not registered has
// live rows only. Acts as the parent's owner.
Parent find_parent(const catalog::ForeignKeyInfo &key, Relation child, HeapTuple row, bool lock);

// Has the row the parent that old_row, its version before a statement, had in the statement's snapshot? Their links differ
// where the parent's key has changed. False where that cannot be told.
bool is_same_parent(const catalog::ForeignKeyInfo &key, Relation child, HeapTuple old_row, Snapshot before,
                    HeapTuple row);

} // namespace softdelete::deletion
