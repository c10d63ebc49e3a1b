// Rows where they are now: what a trigger, a rule or a referential action updated meanwhile is another version of the row.
#pragma once

#include "rows/row_set.hpp"

#include <vector>

namespace softdelete::rows {

RowSet follow_updates(const RowSet &rows);
std::vector<RowId> follow_updates(const std::vector<RowId> &rows); // in the same order

} // namespace softdelete::rows
