// How many rows a table has, counted.
#pragma once

#include "pg/spi.hpp"

#include <optional>
#include <string>

namespace softdelete::checkup {

struct Counts {
    std::optional<std::int64_t> live_rows;
    std::optional<std::int64_t> deleted_rows; // with an archive, those there
    std::optional<std::string> oldest_deletion;
};

// Of a registered table, its partitions and its children: the rows that the caller sees by the policies that bind him. Reads
// all of them. Errors: 42501 where he may not SELECT from the table or its archive; 0A000 where his look would run
// code of the owner's as him; those of catalog::get_soft_table().
Counts count_exactly(Oid relation);

// What the view softdelete.stats says to the caller; nothing where it says nothing. The errors of catalog::get_soft_table().
Counts estimate(Oid relation);

} // namespace softdelete::checkup
