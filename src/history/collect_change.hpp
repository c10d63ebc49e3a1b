// Makes an entry of a history of each change of a row that a trigger reports, and of each row that TRUNCATE removes. The
// entries go to the history when the statement is through (rows/collected_rows.hpp). Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "commands/trigger.h"
#include "nodes/pg_list.h"
}

namespace softdelete::history {

// From an AFTER trigger for rows. call: where to keep what is the same for all rows of the statement.
// Raises 55000 where the registry knows no history of the table.
void collect_change(FunctionCallInfo call, const TriggerData *data);

// From a BEFORE TRUNCATE trigger: all rows of the table or partition.
void collect_truncated(const TriggerData *data);

// Before ALTER TABLE takes the values of these columns (a list of attribute numbers) away or changes them: the rows of the
// table or partition that have any, at once.
void collect_altered(Relation relation, List *columns);

// A row that an UPDATE moves to another partition leaves the one before it comes to the other. When nothing comes, because
// a trigger there kept it away, it has gone: called when the innermost statement is through, and before the transaction
// commits. Moves of statements that it runs in wait.
void finish_moves();
void forget_moves(int nest_level) noexcept;
void keep_moves(int nest_level) noexcept;

} // namespace softdelete::history
