// Rows by their positions, and what their removal would run. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "storage/itemptr.h"
}

namespace softdelete::pg {

// May a DELETE from the table run code that its owner has written: triggers or rules? Locks: ROW EXCLUSIVE, so that the
// answer holds until the transaction ends.
bool runs_code_on_delete(Oid relation);

// Replaces positions of rows that this transaction has updated by those of their newest versions.
void follow_updates(Oid relation, ItemPointerData *rows, Size count);

} // namespace softdelete::pg
