// What the parse trees of commands say to those who follow names in expressions.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "catalog/objectaddress.h"
#include "tcop/cmdtag.h"
}

#include <string>

namespace softdelete::ddl {

// The last part of the name that an expression may have used before the command, up to its first quote; null for a command that
// changes no such name, "" where it changes many. Plain server code.
const char *find_former_name(const Node *statement);

// Gives the command something another name or schema?
bool renames(const Node *statement);

// Is that the name of a part: of a column, an attribute or a value of an enum?
bool renames_part(const Node *statement);

// Casts are the one thing that an expression uses and does not depend on. The types of those that DROP CAST lists which are the user's:
// who owns none of the two may not drop a cast. A list of OIDs. Plain server code.
List *find_own_types_of_casts(const Node *statement);

// As TableRule::objects has the object, without its kind; "" for an extension, which may have any. Plain server code.
const char *find_exact_name(const ObjectAddress &object);

// Stands that name in objects, or a schema of that name?
bool names(const std::string &objects, const char *exact_name);

// Names the objects one of these types, or has the table a column of one?
bool may_use_type(const std::string &objects, Oid relation, const List *types);

// May the command take away what others depend on?
bool cascades(const Node *statement);

// The object that gets another name, schema or value, or an extension that is moved with all its parts; by the session's search_path,
// not locked. Its objectId is InvalidOid where there is none. Plain server code.
ObjectAddress find_renamed_object(const Node *statement);

// The tables that foreign keys which ALTER TABLE adds reference, by the session's search_path. A list of OIDs, without those that
// do not exist; NIL for any other command. Plain server code.
List *find_newly_referenced(const Node *statement);

// Commands that nothing but rules for anonymization follows to their end.
bool concerns_rules_alone(CommandTag tag);

} // namespace softdelete::ddl
