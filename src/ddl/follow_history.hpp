// Histories through DDL: which commands concern one, and which would take one apart.
#pragma once

#include "ddl/parse_tree.hpp"

namespace softdelete::ddl {

// Refuses what would take a history apart by hand: changes of its columns and partitions, and DROP TABLE of a partition.
// Plain server code. Errors: 55000, 2BP01.
void refuse_history_change(const DdlCommand &command);

// Before the command, which has locked its table: rows whose values it takes away or changes get an entry with what they
// were. Locks: ACCESS EXCLUSIVE on each table with a history that loses values. Errors: 0A000 where values of a primary key
// may change.
void record_altered_rows(const DdlCommand &command);

// Does the command add, drop, rename or retype columns? No statement of a dump does: these are followed in any case.
bool changes_columns(const DdlCommand &command);

// When the command is through: the histories of the tables that it has altered follow.
void follow_history(const DdlCommand &command);

} // namespace softdelete::ddl
