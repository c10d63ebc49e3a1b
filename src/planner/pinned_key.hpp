// Does a statement name single rows of its target by the primary key? Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace softdelete::planner {

// True where each column of the target's primary key is compared for equality with something that no row of the target
// changes: a value, a parameter, a column of another table. False where there is no primary key.
bool pins_primary_key(Query *query);

} // namespace softdelete::planner
