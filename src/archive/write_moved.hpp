// The statements that carry rows between a table and its archive. Nothing happens to the rows that anybody's trigger would have to
// know of, so none fires, and no foreign key is checked: who calls asks that of all rows at once. No setting says so, since
// constraints and indexes of the owner's run code of his meanwhile.
#pragma once

#include "pg/spi.hpp"

#include <string>
#include <vector>

namespace softdelete::archive {

struct MovedRows {
    Oid target;          // a table, partitioned or not
    std::string columns; // of it
    std::string values;  // SQL over the source, one for each column
    std::string source;  // SQL: what stands behind FROM, with its conditions
};

// Inserts them, partition by partition, past identity columns. Runs as the table's owner. Returns how many.
std::uint64_t insert_moved(pg::Spi &spi, Oid owner, const MovedRows &rows,
                           const std::vector<pg::Parameter> &parameters = {});

// condition: SQL over the table's columns. The same otherwise.
std::uint64_t delete_moved(pg::Spi &spi, Oid owner, Oid table, const std::string &condition,
                           const std::vector<pg::Parameter> &parameters = {});

} // namespace softdelete::archive
