// The tables whose holds a command has to do with, and their locks.
#pragma once

#include "pg/spi.hpp"
#include "registry/hold_lock.hpp"

#include <vector>

namespace softdelete::holds {

// Locks the holds on these tables and on all whose rows the removal of their rows may take along. HoldAccess::make adds the
// tables that held rows reference by ON DELETE SET NULL or SET DEFAULT, which keeps rows there as well; HoldAccess::erase
// first locks all of them in ROW SHARE, as its look at them does. Taken before rows are locked, and after the tables.
void lock_holds_below(pg::Spi &spi, const std::vector<Oid> &relations, registry::HoldAccess access);

// Those on the table, or that of the partition, and on what inherits from it, against HoldAccess::make. Plain server code.
void lock_holds_of(Oid relation);

} // namespace softdelete::holds
