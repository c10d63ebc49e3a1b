// Some deleted rows of a table between the strategies, on their way to the archive or back, in the transaction of the caller.
#pragma once

#include "pg/spi.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace softdelete::archive {

struct Batch {
    std::uint64_t found = 0; // rows that were looked at
    std::uint64_t moved = 0;
    std::string last =
        {}; // where the next batch of the same pass begins; as it was given where nothing was found
};

// Moves marked rows to the archive, of this time of deletion and later ones ('-infinity': of all), the oldest first. Rows that others have
// locked, and those that rows of other tables reference, are left for another pass. Locks the table SHARE UPDATE EXCLUSIVE and the
// rows FOR UPDATE, without waiting for them. Errors: 0A000 where the table has rows on hold; 55000 where it is not between the strategies.
Batch move_batch_to_archive(pg::Spi &spi, Oid relation, std::size_t size, const std::string &from);

// Moves archived rows to the table, where they are marked, from this place in the archive on ('': from the beginning). The rows that they
// reference are locked FOR KEY SHARE. Errors: as above, and 23502, 23503, 23505, 23514, 23P01 where the table cannot have such rows.
Batch move_batch_to_table(pg::Spi &spi, Oid relation, std::size_t size, const std::string &from);

} // namespace softdelete::archive
