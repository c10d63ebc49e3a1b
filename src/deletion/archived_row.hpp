// Which deletion a row joins that goes to an archive. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "access/htup.h"
}

namespace softdelete::deletion {

// The row, which an AFTER trigger has, goes to the archive of its table, in that deletion. Asked by triggers of the same row that
// fire later: 0 for any other row.
void note_archived_row(Oid relation, HeapTuple row, int64 id) noexcept;
int64 find_archived_row(Oid relation, HeapTuple row) noexcept;

} // namespace softdelete::deletion
