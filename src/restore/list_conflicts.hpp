// What stands in the way of undoing a deletion.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pg/spi.hpp"

namespace softdelete::restore {

struct Conflict {
    std::optional<std::string> deletion; // none for hidden rows
    Oid relation;
    std::optional<std::string> key; // jsonb text; none for a table without primary key and for hidden rows
    std::string reason;             // 'unique', 'exclusion' or 'parent deleted'
    std::string detail;
};

// For those who may read the deletion's tables or restore their rows; of rows that the caller does not see, key and values
// are left out. Reads the tables as their owners. Errors: P0002 no such deletion; 42501.
std::vector<Conflict> list_conflicts(std::int64_t deletion);

// The same of several that come back together, in the order of their ids: what is in the way of one is listed where it does
// not come back with another.
std::vector<Conflict> list_conflicts(pg::Spi &spi, const std::vector<std::int64_t> &deletions);

} // namespace softdelete::restore
