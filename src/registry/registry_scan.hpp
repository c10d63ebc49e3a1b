// One value of a table's registration, read with a system-table scan: no privileges, no SPI. Plain server code.
#pragma once

#include "pg/server.hpp"

namespace softdelete::registry {

struct RegisteredValue {
    bool is_found; // the relation, or a table that it is a partition or a child of, is registered
    bool is_null;
    Datum value; // a copy in the current memory context
};

// Has one of the extension's tables, named without its schema, any row? False where it is dropped already.
bool has_rows(const char *table);

// The registered table that the relation is or is a part of; InvalidOid for none.
Oid find_registered_relation(Oid relation);

// Has one of them a row of this relation? index: begins with the column relation. False where they are dropped already.
bool has_row_of(const char *table, const char *index, Oid relation);

// Does any table know a converted index by that name?
bool has_converted_index(const char *name);

// Is there a constraint trigger of that name on any table?
bool has_constraint_trigger(const char *name);

// column: of softdelete_internal.registration.
RegisteredValue find_registered_value(Oid relation, const char *column);

} // namespace softdelete::registry
