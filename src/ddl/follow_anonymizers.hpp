// The rules of anonymization follow the columns that they name.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// Before RENAME COLUMN: remembers what the rules of the table mean.
void prepare_anonymizers(const Node *statement);

// After ALTER TABLE: writes rules down with the columns' new names, forgets those of dropped columns.
// Errors: 2BP01 where a rule does not fit the table any more.
void finish_anonymizers(const Node *statement);

// Called by the abort callbacks: what commands of that level or below have prepared. What they run may roll back a
// savepoint of its own.
void forget_prepared_anonymizers(int nest_level) noexcept;

} // namespace softdelete::ddl
