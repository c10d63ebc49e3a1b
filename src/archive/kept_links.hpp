// A link of a deleted row by ON DELETE SET NULL or SET DEFAULT that ended in the DELETE which took the row itself as well: the
// server may come to the one key before the other. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "access/htup.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"
}

namespace softdelete::archive {

// Was it changed while the statement under way ran?
bool may_have_lost_links(HeapTuple row);

// The table's keys with such an action, for keep_links(); in the current memory context.
List *find_unbinding_keys(Relation table);

// The row, or a copy with the links that it had before the statement under way began. keys: what find_unbinding_keys() has
// found. It keeps the links that it has where its table has no unique index over other columns, and where it moved to
// another partition meanwhile.
HeapTuple keep_links(Relation table, HeapTuple row, const List *keys);

} // namespace softdelete::archive
