// A table between the strategies: it is registered with the strategy flag, and beside it has an archive with a part of its deleted
// rows. What is deleted now is marked. Such a table has a row in both of the registry's tables, and no other sign.
#pragma once

#include "archive/archive_settings.hpp"
#include "catalog/table_catalog.hpp"
#include "registration/register_table.hpp"

namespace softdelete::archive {

bool is_between(pg::Spi &spi, Oid relation);

// Begins to move rows of a table whose deleted rows are marked. The archive is made, and gets the partitions for all rows that are to move
// now; the views show both places. Locks the table SHARE UPDATE EXCLUSIVE, so that readers and writers go on.
// Errors: those of change_strategy(); 0A000 where rows of the table reference others of it.
void begin_to_archive(pg::Spi &spi, Oid relation);

// Begins to bring back the rows of an archive. The table is registered with the strategy flag. Locks it ACCESS EXCLUSIVE. The same errors.
// Returns what was done.
std::vector<model::Step> begin_to_flag(pg::Spi &spi, Oid relation, const std::string &visibility);

// Ends it where the archive is empty: that goes. Locks the table SHARE UPDATE EXCLUSIVE. False where rows are left.
bool end_as_flag(pg::Spi &spi, Oid relation);

// Drops the archive, which has no row that counts any more; the views show the table alone.
void drop_archive(pg::Spi &spi, const catalog::Table &table, const ArchiveSettings &settings);

} // namespace softdelete::archive
