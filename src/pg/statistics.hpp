// The planner's statistics.
#pragma once

#include "pg/boundary.hpp"

namespace softdelete::pg {

// Is there one of the table's columns, or of the expressions of its indexes? The caller holds a lock on it.
bool has_statistics(Oid relation);

// Forgets what statistics say of the relation's columns, extended ones included; of an index, of its expressions.
void remove_statistics(Oid relation);

} // namespace softdelete::pg
