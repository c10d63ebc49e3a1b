// The parts of a registration, in the order in which register() goes through them. Each adds its steps to the work and
// notes what it adds in work.registration. Nothing is changed here. Errors as register() documents them.
#pragma once

#include "commands/table_work.hpp"

namespace softdelete::commands {

// Columns: added, or adopted where the type fits (42804, 42611 otherwise).
void plan_columns(TableWork &work);

// The comment on deleted_at that states the retention.
void plan_comment(TableWork &work);

// The indexes of deleted rows.
void plan_own_indexes(TableWork &work);

// The user's indexes and constraints, and what becomes of foreign keys' indexes.
void plan_conversions(TableWork &work);

// Those converted indexes that the settings do not want converted any more.
void plan_reversals(TableWork &work);

void plan_triggers(TableWork &work);

// Views: made, or adopted where they mean the same (42P07 otherwise).
void plan_views(TableWork &work);

// What registration cannot do for the user.
void plan_warnings(TableWork &work);

} // namespace softdelete::commands
