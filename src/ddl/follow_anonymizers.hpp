// The rules of anonymization follow what they name: columns, and functions, types, collations and the like of any schema.
#pragma once

#include "ddl/parse_tree.hpp"

namespace softdelete::ddl {

// Is there any rule, and no dump being restored? Plain server code.
bool has_rules();

// Before a command that gives something another name or schema, takes it away, or changes a table: remembers what the rules mean that
// it may be about, and which of them are fit.
void prepare_anonymizers(const DdlCommand &command);

// After a command: writes these rules down with the new names; forgets those of dropped columns.
// Errors: 2BP01 where a rule that was fit before is not any more, or its column has got a key that set_anonymizer() would refuse.
void finish_anonymizers(const DdlCommand &command);

// Called on sql_drop. Warns of rules of others that name what CASCADE takes away, which cannot be used any more. Errors: 2BP01
// where a rule names something that goes otherwise, or does not fit without a cast.
void refuse_loss_of_rules(const Node *statement);

// Called by the abort callbacks: what commands of that level or below have prepared. What they run may roll back a
// savepoint of its own.
void forget_prepared_anonymizers(int nest_level) noexcept;

} // namespace softdelete::ddl
