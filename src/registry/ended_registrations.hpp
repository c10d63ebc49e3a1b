// Which tables' rows mean another thing than before: a registration has ended, or deleted rows are kept in another way. A snapshot
// from before would show rows that were deleted as live ones, since nothing marks and filters them any more.
#pragma once

#include "pg/spi.hpp"

#include <vector>

extern "C" {
#include "executor/execdesc.h"
#include "utils/snapshot.h"
}

namespace softdelete::registry {

// For the transactions that come here with an older snapshot: of the table, with its partitions and children.
void note_ended_registration(pg::Spi &spi, const std::vector<Oid> &members);

// Plain server code. Raises 40001 where the snapshot of the statement, or the one given for the table, is older than that.
void refuse_older_snapshot(const QueryDesc *query);
void refuse_older_snapshot(Oid relation, Snapshot snapshot);

// Registers the invalidation callback; called once from _PG_init.
void install_ended_registrations();

} // namespace softdelete::registry
