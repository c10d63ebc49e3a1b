// What ALTER COLUMN ... TYPE and SET EXPRESSION make of the values of a column: asked for rows on hold and for histories,
// before the command runs. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace softdelete::ddl {

// Whether USING may change values whatever it says, or is read: the column itself and its cast to the new type do what no
// USING does. Tools write them out.
enum class Using { changes, is_read };

// May the command give values of the column another text, or make them equal to others? False for other commands, and where
// the relation has no such column.
bool changes_values(const AlterTableCmd *command, Oid relation, Using clause);

// Does the column get another type, domains aside, or another collation? False as above.
bool changes_type(const AlterTableCmd *command, Oid relation);

} // namespace softdelete::ddl
