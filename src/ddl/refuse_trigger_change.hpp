// DDL that would take a trigger of ours away from a table that needs it, under whatever spelling: DROP, RENAME, CREATE OR
// REPLACE, DISABLE, ENABLE REPLICA, DEPENDS ON EXTENSION. Plain server code.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// Raises 2BP01 for a drop, 55000 for a change, 42501 where somebody who does not own the table attaches a function of
// ours. While a dump is being restored (row_security = off) drops and changes pass, but not where rows are on hold.
void refuse_trigger_change(const DdlCommand &command);

} // namespace softdelete::ddl
