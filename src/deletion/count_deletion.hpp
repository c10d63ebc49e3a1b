// How many rows a deletion still holds, per table.
#pragma once

#include "pg/spi.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace softdelete::deletion {

struct TableCount {
    Oid relation;
    std::string name; // as JSON
    std::uint64_t rows;
};

// Of the tables that the caller may read and of which it holds rows. Errors: P0002 no such deletion.
std::vector<TableCount> count_rows_of(pg::Spi &spi, std::int64_t deletion);

// The same as a JSON object: table name to number of rows.
std::string count_deletion(std::int64_t deletion);

} // namespace softdelete::deletion
