// The locks of a change of strategy in one transaction.
#pragma once

#include "pg/spi.hpp"

namespace softdelete::archive {

// Locks a table of the caller's ACCESS EXCLUSIVE, with its partitions, its inheritance children and its archive; what references them,
// as strongly as the change of triggers there asks for; and what is linked to them (catalog/linked_tables). Keeps away whoever looks for
// rows in its archive and in the table (registry/place_lock), which is one lock for all tables. Waits for none of all this but the table
// itself while it has another part of it, but for half a second: some who wait for a table keep rows in place, others look for these
// while they have one. Not at all where the caller is no owner, or it is
// no table, which the command refuses.
// Taken before the command's other locks, none of which it waits for then. Errors: 55P03 after lock_timeout.
void lock_for_change(pg::Spi &spi, Oid relation, bool to_archive);

} // namespace softdelete::archive
