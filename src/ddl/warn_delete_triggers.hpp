// Triggers for DELETE that are created on a registered table: a soft delete does not fire them.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// Is the statement a CREATE TRIGGER for DELETE? Plain server code.
bool creates_delete_trigger(const DdlCommand &command);

// After such a statement on a registered table: warns that a soft delete does not fire the trigger.
void warn_of_delete_trigger(const DdlCommand &command);

} // namespace softdelete::ddl
