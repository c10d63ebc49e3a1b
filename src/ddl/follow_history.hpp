// Histories through DDL: which commands concern one, and which would take one apart.
#pragma once

#include "ddl/parse_tree.hpp"

namespace softdelete::ddl {

// Refuses what would take a history apart by hand: changes of its columns and partitions, and DROP TABLE of a partition.
// Plain server code. Errors: 55000, 2BP01.
void refuse_history_change(const DdlCommand &command);

// Before the command: rows whose values it takes away or changes get an entry with what they were. Locks as the command does.
void record_altered_rows(const DdlCommand &command);

// When the command is through: the histories of the tables that it has altered follow.
void follow_history(const DdlCommand &command);

} // namespace softdelete::ddl
