// What a command gives another name or schema, or takes away.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "tcop/cmdtag.h"
}

namespace softdelete::ddl {

// The last part of the name that an expression may have used before the command, up to its first quote; null for a command that
// changes no such name, "" where it changes many. Plain server code.
const char *find_former_name(const Node *statement);

// The last parts of the names of what the command takes away, up to their first quotes; "" among them where others may go with
// it, or where it has no name. NIL for a command that takes nothing away but parts of a table. Palloc'd strings. Plain server code.
List *find_dropped_names(const Node *statement);

// Does the command rename, move or drop what no lock of a table keeps as it is: functions, types, schemas and the like? Plain server
// code.
bool changes_free_name(const Node *statement);

// The tables that foreign keys which ALTER TABLE adds reference, by the session's search_path. A list of OIDs, without those that
// do not exist; NIL for any other command. Plain server code.
List *find_newly_referenced(const Node *statement);

// Commands that nothing but rules for anonymization follows to their end.
bool concerns_rules_alone(CommandTag tag);

} // namespace softdelete::ddl
