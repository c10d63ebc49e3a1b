// What the extension's own tables say of rows that were erased or anonymized.
#pragma once

#include "rows/physical_tree.hpp"

#include <set>
#include <string>
#include <vector>

namespace softdelete::erasure {

// The deletions that hold rows of the tree and no others, which are the subject's; to be asked before anything changes.
std::vector<std::string> find_own_deletions(pg::Spi &spi, const rows::RowTree &tree);

// Which deletions these rows are in, of a table or an archive.
std::set<std::string> find_deletions(pg::Spi &spi, const rows::TreeTable &member);

// The released holds of these rows, archived ones among them; to be asked before anything changes.
std::vector<std::string> find_released_holds(pg::Spi &spi, const rows::RowSet &all);

} // namespace softdelete::erasure
