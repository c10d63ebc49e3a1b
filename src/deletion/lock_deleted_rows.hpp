// How a soft delete locks the rows of tables that no foreign key references. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "executor/execdesc.h"
}

namespace softdelete::deletion {

// Called before the running statement deletes a row softly: the row is locked as a DELETE locks it, so that it waits for
// FOR KEY SHARE, and that for it. Looks at the statement's tables once, and again where the relation cache may have forgotten
// it.
void lock_deleted_row();

// Called when a statement's execution was set up, before it runs. One that may leave rows live locks these as ever, until it
// deletes the first; not so where it runs within one that deletes rows.
void lock_live_rows_as_ever(const QueryDesc *query);

} // namespace softdelete::deletion
