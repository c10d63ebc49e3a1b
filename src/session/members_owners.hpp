// Partitions and inheritance children that belong to another role than their table. What their owner has put into them runs as
// the owner of the table where a statement names that. In a statement that somebody writes this is PostgreSQL's rule; a
// statement of ours does without. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "executor/execdesc.h"
#include "nodes/parsenodes.h"
}

namespace softdelete::session {

// Raises 55000 where the table has any whose owner has not all rights of the table's owner.
void refuse_others_members(Oid table);
// The same where the current role is the table's owner.
void refuse_members_as_owner(Oid table);

// Is the statement that is about to be planned one of a command of ours, or a referential action of one?
bool is_planned_in_command(const char *text, bool is_foreign_key);

// The same question asked of one that is about to run, whose plan may be older than the command, and the refusal.
void refuse_others_members_of(const QueryDesc *query);

} // namespace softdelete::session
