// What the planner's statistics hold of values that are gone.
#pragma once

#include "pg/spi.hpp"

#include <set>

namespace softdelete::erasure {

// Makes the statistics of these tables and partitions anew, those of their parents and indexes included, as their owners.
// Locks: SHARE UPDATE EXCLUSIVE, in the order of their OIDs.
void reset_statistics(pg::Spi &spi, const std::set<Oid> &relations);

} // namespace softdelete::erasure
