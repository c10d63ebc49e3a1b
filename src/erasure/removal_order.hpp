// Which rows of a removal go before the others.
#pragma once

#include "rows/physical_tree.hpp"

#include <vector>

namespace softdelete::erasure {

// Rows of these tables go by one statement.
using RemovalStep = std::vector<rows::TreeTable>;

// The rows that reference others of the tree by a key that refuses to let these go, in the order of their removal: NO ACTION and RESTRICT
// are asked when the rows that a statement names are gone, and what its cascade reaches later counts against it. Rows in a circle
// go together, where one role owns their tables.
std::vector<RemovalStep> find_removed_first(pg::Spi &spi, const rows::RowTree &tree);

} // namespace softdelete::erasure
