// What the extension's own tables say of rows that were erased or anonymized.
#pragma once

#include "rows/physical_tree.hpp"

#include <vector>

namespace softdelete::erasure {

// The deletions that hold rows of the tree and no others, which are the subject's; to be asked before anything changes.
std::vector<std::string> find_own_deletions(pg::Spi &spi, const rows::RowTree &tree);

// The released holds of these rows, archived ones among them; to be asked before anything changes.
std::vector<std::string> find_released_holds(pg::Spi &spi, const rows::RowSet &all);

} // namespace softdelete::erasure
