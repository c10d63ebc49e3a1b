// What a table with an archive lacks.
#pragma once

#include "catalog/table_catalog.hpp"

#include <string>
#include <vector>

namespace softdelete::archive {

// The objects that repair() would bring back or change, as its steps name them; none where all is there, where the table has
// no archive, and where the archive itself is gone. Changes nothing.
std::vector<std::string> find_gaps(pg::Spi &spi, const catalog::Table &table);

// The columns of the archive that its table has not any more: dropped while event triggers were off. repair() leaves them.
std::vector<std::string> find_former_columns(pg::Spi &spi, const catalog::Table &table);

} // namespace softdelete::archive
