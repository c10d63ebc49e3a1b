// Which commands concern softdelete at all: DDL on other tables is to cost nothing worth measuring. What is found is only
// where to look closer. Plain server code.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// What a command may do that ddl_command_start has to see. Each includes those before it.
enum class Reach {
    nothing,
    own_objects, // change an object of the extension, or a trigger of ours
    held_rows,   // take held rows away as well, or values that a history keeps
    tables       // change a registered table, or make something of one
};

Reach get_reach(const Node *statement);

// Before the command, and after it.
bool concerns_before(const DdlCommand &command);
bool concerns_after(const DdlCommand &command);

// Has the table a foreign key to a registered one?
bool references_registered(Oid relation);

// After it, where it has dropped something.
bool may_drop_own(const DdlCommand &command);

struct DropConcern {
    bool registry; // a table or an index that the registry knows
    bool holds;    // a table with rows on hold
    bool parts;    // a trigger or column of a registered table or of a child, or a view that went along
    bool policies; // a policy of a table with visibility rls
    bool keys;     // a foreign key with a trigger on the table that it referenced
};

// In an event trigger on sql_drop. Most commands drop no relation nor any part of one.
bool has_dropped_parts();
DropConcern get_drop_concern();

} // namespace softdelete::ddl
