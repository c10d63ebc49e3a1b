// Triggers that a DELETE that became an UPDATE need not fire, because all that it writes is known. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "executor/execdesc.h"
#include "utils/rel.h"
}

namespace softdelete::deletion {

// Will a row be written as the statement says it, whatever the table's triggers and generated columns do? Then a soft
// delete leaves its links and its keys alone, and the trigger that locks the row may collect it as well.
bool writes_rows_as_said(Relation table);

// Called when a statement's execution was set up, before it runs. A DELETE that became an UPDATE, and writes nothing
// else, fires neither the check of links, which is about live rows, nor the server's checks of keys that stay as they
// are; the trigger that locks its rows collects them. An UPDATE that deletes nothing fires none of those that see to
// deletions: the executor would lock its rows for them as if their keys were to change, where it names these.
void leave_out_deletion_triggers(const QueryDesc *query);

// Called at the same place. The server takes all generated columns for written where a table has a BEFORE trigger for
// UPDATE. It does so on account of ours alone, though that changes no row: triggers on generated columns that the
// statement does not write stay quiet.
void leave_out_generated_column_triggers(const QueryDesc *query);

} // namespace softdelete::deletion
