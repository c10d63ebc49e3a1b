// The locks of a change of strategy in one transaction.
#pragma once

#include "pg/spi.hpp"

namespace softdelete::archive {

// Locks a table of the caller's ACCESS EXCLUSIVE, and keeps away whoever looks for rows in its archive and in the table
// (registry/place_lock). Waits for either without having the other, but for half a second: some who wait for the table keep rows in
// place, others look for these while they have the table. Not at all where the caller is no owner, which the command refuses.
// Taken before the command's other locks. Errors: 55P03 after lock_timeout.
void lock_for_change(pg::Spi &spi, Oid relation);

} // namespace softdelete::archive
