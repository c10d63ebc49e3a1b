// What the parse trees of commands say to those who follow names in expressions.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "tcop/cmdtag.h"
}

namespace softdelete::ddl {

// The last part of the name that an expression may have used before the command, up to its first quote; null for a command that
// changes no such name, "" where it changes many. Plain server code.
const char *find_former_name(const Node *statement);

// Is that the name of a part: of a column, an attribute or a value of an enum?
bool renames_part(const Node *statement);

// Casts are the one thing that an expression uses and does not depend on.
bool drops_casts(const Node *statement);

// May the command take away what others depend on?
bool cascades(const Node *statement);

// Does the command rename, move or drop what no lock of a table keeps as it is: functions, types, schemas and the like? Plain server
// code.
bool changes_free_name(const Node *statement);

// The tables that foreign keys which ALTER TABLE adds reference, by the session's search_path. A list of OIDs, without those that
// do not exist; NIL for any other command. Plain server code.
List *find_newly_referenced(const Node *statement);

// Commands that nothing but rules for anonymization follows to their end.
bool concerns_rules_alone(CommandTag tag);

} // namespace softdelete::ddl
