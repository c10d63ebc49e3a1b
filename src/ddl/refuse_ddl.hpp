// DDL that would break what registration promises is refused: dropping, renaming or disabling what softdelete put on a
// registered table.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// Before ALTER TABLE: refuses to rename the extension's columns and to disable its triggers by name. Plain server code.
// Errors: 55000.
void refuse_alteration(const DdlCommand &command);

// After a drop: refuses where a registered table that stays has lost a trigger or a column of ours. Errors: 2BP01.
void refuse_loss();

// After a drop: refuses where rows of a dropped table are on hold. Errors: 2BP01.
void refuse_loss_of_held_rows();

} // namespace softdelete::ddl
