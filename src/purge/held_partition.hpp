// A partition of an archive whose time is over, where rows are on hold. Called by purge/archive_run.
#pragma once

#include "rows/row_set.hpp"

#include <cstdint>
#include <string>

namespace softdelete::purge {

struct ArchivePartition {
    Oid relation;
    std::string name; // schema-qualified, quoted
};

// The rows of an archive that a hold protects. archive: as catalog::get_archive() has it. The caller has locked the holds.
rows::RowSet find_held_in_archive(pg::Spi &spi, const catalog::TableInfo &archive);

// Those of them that lie in the partition.
rows::RowSet restrict_to_partition(const rows::RowSet &rows, const ArchivePartition &partition);

// May all but these rows be removed at once? Not where they are many, or where a subscriber would be sent the TRUNCATE.
bool may_put_back(pg::Spi &spi, const catalog::TableInfo &archive, const ArchivePartition &partition,
                  const rows::RowSet &held);

struct Emptied {
    std::uint64_t removed;
    std::uint64_t held;
};

// Takes the rows on hold out, truncates the partition and puts them back, as its owner. Others read and write the rest of the
// archive meanwhile. The caller has set a lock_timeout. known: the rows on hold there, which are looked for once more when
// nobody puts rows of the past there any more.
// Locks: ACCESS EXCLUSIVE on the partition alone, where it has other rows.
Emptied empty_around_held(pg::Spi &spi, const catalog::TableInfo &archive, const ArchivePartition &partition,
                          const rows::RowSet &known);

} // namespace softdelete::purge
