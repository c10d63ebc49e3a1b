// The last word on a row that a user's BEFORE trigger may have changed: deleted_at, deletion_id and deleted_by say together
// what becomes of it, whatever the statement wanted. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "access/htup.h"
#include "commands/trigger.h"
#include "executor/execdesc.h"
#include "utils/hsearch.h"
}

namespace softdelete::deletion {

// Where a table that a statement updates has such triggers, its marker, which fires BEFORE DELETE, fires after all of them
// BEFORE UPDATE as well, in this execution alone. Called when a statement's execution was set up, before it runs.
void let_markers_settle(const QueryDesc *query);

// Will every row that the statement writes be settled?
bool settles_all_rows(const QueryDesc *query);

// What the marker keeps for one execution and table, in fn_extra.
struct MarkerMemory {
    HTAB *deletions; // those of the rows that were settled and may move to another partition
    void *guards;    // on_delete's
};

MarkerMemory *get_marker_memory(FunctionCallInfo call);

// What the marker does then: returns the row as it is to be written, or null where it stays as it was.
HeapTuple settle_row(FunctionCallInfo call, const TriggerData *data);

// Has the innermost statement settled a row of this deletion, 0 for none, that may have moved to another partition?
bool may_have_moved(int64 deletion);

} // namespace softdelete::deletion
