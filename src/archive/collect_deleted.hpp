// Moves each row that a trigger reports as deleted to the archive of its table. The rows go there when the statement is
// through (rows/collected_rows.hpp). Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "commands/trigger.h"
#include "fmgr.h"
}

namespace softdelete::archive {

// From an AFTER DELETE trigger for rows. call: where to keep what is the same for all rows of the statement. Does nothing
// where softdelete.deletion is hard but to see that no hold protects the row, for a row that an UPDATE moves to another partition or that erase() removes, and in an apply worker whose
// subscription brings the rows of the archive itself.
// Raises 55000 where the registry knows no archive of the table, or where a row that is on hold would not go there.
// Returns whether the row is gone for good, by that setting.
bool collect_deleted(FunctionCallInfo call, const TriggerData *data);

// Moves a copy of the row, of the table or a partition of it, to the archive.
void archive_row(Relation relation, HeapTuple row, Oid table);

} // namespace softdelete::archive
