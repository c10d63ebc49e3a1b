// What the registry keeps of a table or an index goes with it.
#pragma once

namespace softdelete::ddl {

// After a drop: forgets registered tables and converted indexes that do not exist any more, and drops the triggers that
// stood for foreign keys.
void forget_dropped();

// What the registry keeps of tables that are gone, once their registration is forgotten.
void forget_rest_of_dropped();

} // namespace softdelete::ddl
