// Referential actions of statements of ours run as the owner of the table that they change, and so does all that they fire.
// The server lets the AFTER triggers of such an action fire with the statement that it follows, before 18 as whoever runs
// that. Plain server code.
#pragma once

#include "pg/scopes.hpp"

extern "C" {
#include "executor/execdesc.h"
}

namespace softdelete::session {

// Around the run of a statement: where it is a referential action of a statement of ours, what it runs is restricted as
// by pg::begin_acting_in_command(). For end_acting_as_others().
pg::Acting begin_referential_action();
void end_acting_as_others(const pg::Acting &acting);

// The same around planning, which evaluates expressions of indexes: whatever is planned as another owner than called the
// command that is under way.
pg::Acting begin_planning_as_others();

// Called when a statement has run and before the triggers that it leaves to another one fire: where that is one of ours they
// will run as the role that this one runs as. What it said of their time stays. Raises 0A000 where triggers of one table would
// have to run as two roles.
void keep_role_of_triggers(const QueryDesc *query);

} // namespace softdelete::session
