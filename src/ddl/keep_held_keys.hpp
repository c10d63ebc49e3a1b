// Keys by which holds find their rows: the primary keys of tables with holds, and the ON DELETE CASCADE keys that lead down
// from held rows. Called for every command that drops objects, also where row_security is off.
#pragma once

struct AlterEnumStmt;

namespace softdelete::ddl {

// In an event trigger on sql_drop: refuses where a hold would no longer find its row, or no longer keep what is below it.
// The same key made anew by the same command is none that was lost. Plain server code. Errors: 55000.
void keep_held_keys();

// Before ALTER TYPE ... RENAME VALUE, of the type's owner: refuses where a hold names its row by a key of that type. Plain
// server code. Errors: 55000.
void keep_held_values(const AlterEnumStmt *alter);

} // namespace softdelete::ddl
