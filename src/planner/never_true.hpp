// Can a condition be true where the column that it is about is NULL? Asked by the recycle-bin rule. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/primnodes.h"
}

namespace softdelete::planner {

// True where a condition, whose only variable is one column, is FALSE or NULL where that column is NULL, whatever else it
// asks. Calls no function of a user's.
bool is_never_true_for_null(Node *condition);

} // namespace softdelete::planner
