// What a command gives another name or schema.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "tcop/cmdtag.h"
}

namespace softdelete::ddl {

// The last part of the name that an expression may have used before the command, up to its first quote; null for a command that
// changes no such name, "" where it changes many. Plain server code.
const char *find_former_name(const Node *statement);

// Commands that nothing but rules for anonymization follows to their end.
bool concerns_rules_alone(CommandTag tag);

// A name up to its first quote: quotes are doubled where an expression names it. Plain server code.
const char *get_plain_start(const char *name);

} // namespace softdelete::ddl
