// The transformation of one statement: scopes for every reference to a registered table, at every query level, and the
// conversion of what it writes. Plain server code: one call, under one guard.
#pragma once

#include "session/plan_notes.hpp"

extern "C" {
#include "nodes/pathnodes.h"
}

namespace softdelete::planner {

// Changes query in place, as the planner itself does. Fills statement's notes.
void transform_query(Query *query, session::Statement *statement);

// Appends the scope's condition to a relation that is about to be planned.
void filter_relation(PlannerInfo *root, RelOptInfo *relation);

} // namespace softdelete::planner
