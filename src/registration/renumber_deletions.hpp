// The rows of a table that is adopted may carry deletion ids of another database, or of this one before the extension
// was created anew, which other deletions have got here meanwhile.
#pragma once

#include "model/step.hpp"
#include "registry/registry.hpp"

#include <vector>

namespace softdelete::registration {

// Gives those deletions of the table new ids, the same ones in every table that they touched. An id belongs to the same
// deletion as in the log where that deletion touched this table, or began at the time of these rows and touched no table
// of a role whose rights the owner of this one has not. Keeps all ids of the rows from being given again. Called while the table has no marker. Returns what was done: one step, or none.
// Locks: waits for the transactions that have begun a deletion.
std::vector<model::Step> renumber_deletions(pg::Spi &spi, const registry::TableRows &table);

// The same for a registered table, rows of which came from a database that gave the same ids, by replication: rows that do
// not have the time of the deletion in the log get an id of their own, where the deletion has other rows or is restored.
// Nothing for ids of the range that this database gives: applications write times of their own in one transaction, and
// owners date rows back.
std::vector<model::Step> part_deletions(pg::Spi &spi, const registry::TableRows &table);

} // namespace softdelete::registration
