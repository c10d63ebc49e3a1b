// Tables whose live rows this session has copied somewhere else, without the deleted ones: to drop such a table would lose
// those. Forgets a table when it is copied whole. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace softdelete::session {

// Called before an INSERT ... SELECT is planned, and before CREATE TABLE AS runs: notes the tables that it reads. query:
// as the parser has analyzed it, or after rewriting.
void note_copied_tables(Query *query);

// The same of COPY table TO.
void note_copied_table(Oid relation);

// Has this session copied the live rows of the table, or of one that it is a partition of?
bool was_copied(Oid relation);

} // namespace softdelete::session
