// What apply workers of logical replication remove: the publisher knows nothing of the holds and the retention that a
// subscriber has of its own. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "access/htup.h"
#include "utils/relcache.h"
}

namespace softdelete::triggers {

// True where the row stays, because a hold protects it, or because it is deleted and its retention here has not passed.
// Says so in the server's log, once per table and transaction.
bool is_kept_from_apply(Relation table, HeapTuple row);

// Raises 55000 where a TRUNCATE that is applied would take such rows along: they cannot be left out of it.
void check_applied_truncate(Relation table);

} // namespace softdelete::triggers
