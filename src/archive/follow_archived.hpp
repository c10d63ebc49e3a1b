// Keeps tables with an archive in step through DDL. Called by the event triggers.
#pragma once

#include "pg/spi.hpp"

namespace softdelete::archive {

// Any in this database?
bool has_archives();

// Partitions of the table that came get the triggers that the server has not cloned.
void complete_triggers(pg::Spi &spi, Oid relation);

// A partition has been detached: our triggers go. Does nothing where it is part of a table with an archive, or registered.
void release_member(Oid relation);

// Tables were dropped: their archives stay as plain tables. Raises 2BP01 where an archive was dropped and its table not.
void follow_dropped();

} // namespace softdelete::archive
