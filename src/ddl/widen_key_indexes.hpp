// Indexes of the columns of foreign keys that a command adds.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// After ALTER TABLE added a foreign key to a registered table: an index of its columns that was there before covers live
// rows only, and is made whole again. A unique one has to stay so, and NOT VALID asks for no long work: there a warning
// says what to run. Returns quickly for any other statement.
void widen_key_indexes(const DdlCommand &command);

// After CREATE INDEX: one that a key needs whole is recorded as one that stays so, as those are that were there before. Returns
// quickly for any other statement.
void note_whole_index(const DdlCommand &command);

} // namespace softdelete::ddl
