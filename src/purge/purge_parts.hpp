// The physical tables of a registered table: itself, its partitions and its inheritance children.
#pragma once

#include "purge/purge_cycle.hpp"

namespace softdelete::purge {

// Locks the table with its parts, until the transaction ends, and reads what they are then: before, another session may rename,
// detach or drop one.
void find_parts(pg::Spi &spi, PurgeTable *table);

// In each later transaction of a run: locks these parts, and what they are parts of. False where one is not what was found: gone,
// detached, of another name or owner (his triggers are not to run as the former one), or with other bounds.
bool lock_parts(pg::Spi &spi, const PurgeTable &table, const std::vector<PurgeTarget> &parts, int lock_mode);

} // namespace softdelete::purge
