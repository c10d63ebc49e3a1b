// Rows that a subscription removes and a hold of this database protects: they are kept in the archive, and the server's log says so.
// Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "access/htup.h"
#include "utils/relcache.h"
}

namespace softdelete::archive {

// Called from the AFTER trigger of a table whose archive a subscription writes as well, in an apply worker: of a row that a hold
// protects a copy is kept, in case that the publisher does not send it to the archive.
void note_applied_removal(Relation relation, HeapTuple row, Oid table);

// True where the archived row, which an apply worker is about to remove, is to stay.
bool is_kept_in_archive(Relation relation, HeapTuple row);

// Before the transaction commits: what did not come to the archive goes there.
void archive_noted_rows();

// Called by the transaction callbacks.
void forget_noted_rows(int nest_level) noexcept;
void keep_noted_rows(int nest_level) noexcept;

} // namespace softdelete::archive
