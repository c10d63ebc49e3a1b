// The rules of anonymization follow the columns that they name.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// Before RENAME COLUMN: remembers what the rules of the table mean.
void prepare_anonymizers(const DdlCommand &command);

// After ALTER TABLE: writes rules down with the columns' new names, forgets those of dropped columns.
// Errors: 2BP01 where a rule does not fit the table any more.
void finish_anonymizers(const DdlCommand &command);

// Called by the abort callbacks: what commands of that level or below have prepared. What they run may roll back a
// savepoint of its own.
void forget_prepared_anonymizers(int nest_level) noexcept;

} // namespace softdelete::ddl
