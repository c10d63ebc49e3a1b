// The planner's statistics.
#pragma once

#include "pg/boundary.hpp"

namespace softdelete::pg {

// Forgets what statistics say of the relation's columns, extended ones included; of an index, of its expressions.
void remove_statistics(Oid relation);

} // namespace softdelete::pg
