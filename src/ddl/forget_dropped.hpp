// What the registry keeps of a table or an index goes with it.
#pragma once

#include <cstdint>
#include <vector>

namespace softdelete::ddl {

// The deletions whose tables are all gone, which the log has lost: one of this transaction's does not go on in other tables.
using GoneDeletions = std::vector<std::int64_t>;

// After a drop: forgets registered tables and converted indexes that do not exist any more, and drops the triggers that
// stood for foreign keys.
GoneDeletions forget_dropped();

// What the registry keeps of tables that are gone, once their registration is forgotten.
GoneDeletions forget_rest_of_dropped();

} // namespace softdelete::ddl
