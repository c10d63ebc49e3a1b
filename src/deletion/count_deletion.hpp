// How many rows a deletion still holds, per table.
#pragma once

#include <cstdint>
#include <string>

namespace softdelete::deletion {

// A JSON object: table name to number of rows, of the tables that the caller may read.
std::string count_deletion(std::int64_t deletion);

} // namespace softdelete::deletion
