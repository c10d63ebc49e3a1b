// Triggers that a statement need not fire: row by row, because what they ask was asked of all its rows at once, or at all,
// because it was planned by us. Plain server code.
#pragma once

#include "session/own_statement.hpp"

extern "C" {
#include "executor/execdesc.h"
#include "utils/rel.h"
}

namespace softdelete::deletion {

// Takes the triggers for such rows (CMD_UPDATE or CMD_DELETE) out of an execution that was set up.
void leave_out(const QueryDesc *query, CmdType command, session::TriggerAnswers *answers);

// Takes out the trigger that refuses an UPDATE which was planned without our hook, if this one was planned with it.
// Called when a statement's execution was set up, before it runs.
void leave_out_guard(const QueryDesc *query);

// Could a trigger of somebody else's change a row before it is written to the table?
bool has_changing_trigger(Relation table);

// Called when a statement's execution was set up, before it runs: takes out the triggers that it skips as one of ours. That
// statement alone: none that a rule adds to it, and none that it runs in its turn. False where it is not one.
bool leave_out_triggers(const QueryDesc *query);

} // namespace softdelete::deletion
