// ALTER TABLE that checks or rewrites rows: SET NOT NULL, CHECK, foreign and primary keys, ALTER COLUMN TYPE. Those after a
// backfill that did not see the deleted rows fail on them, with an error that hooks/error_hook.cpp gives a hint.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// Before a statement: notes it where it is of that kind, on a registered table with deleted rows.
void note_row_checks(const DdlCommand &command);

} // namespace softdelete::ddl
