// What follows when a table's triggers change: the check of rows as they were written comes with the first trigger of a user's
// that may change them. ENABLE TRIGGER ALL and ENABLE TRIGGER USER, which data-only dumps end with, leave triggers firing ORIGIN only. Ours go
// back to ALWAYS.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// Is the statement one that may leave triggers of ours enabled otherwise than ALWAYS?
bool enables_triggers(const DdlCommand &command);

// Does the statement create a trigger that may change rows before they are written?
bool creates_changing_trigger(const DdlCommand &command);

// After such a statement on a registered table or a part of one: a check looks at rows as they were written.
void follow_changing_trigger(const DdlCommand &command);

// Called where triggers were dropped: the check goes with the last one that it is for.
void follow_dropped_triggers();

// After a statement that enables triggers: what refuses physical deletes on its table and the partitions fires ALWAYS again.
void enable_own_triggers(const DdlCommand &command);

} // namespace softdelete::ddl
