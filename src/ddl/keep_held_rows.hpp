// DDL by which rows on hold would go, or would no longer be found by their hold: refused before it runs, also where
// row_security is off, as while a dump is being restored. What drops keys is looked at after it (ddl/keep_held_keys).
#pragma once

#include "ddl/parse_tree.hpp"

namespace softdelete::ddl {

// Refuses DROP and DETACH of tables with held rows, NO INHERIT and DISABLE TRIGGER ALL of them, DROP SCHEMA and DROP OWNED
// where one of them would go, and ATTACH of tables with holds of their own. Refuses changes of the values of keys that holds
// name or that lead down from held rows, by ALTER TYPE, SET EXPRESSION or another name of an enum's value, and NOT ENFORCED
// of a key that leads down. Plain server code. Errors: 55000.
void keep_held_rows(const DdlCommand &command);

} // namespace softdelete::ddl
