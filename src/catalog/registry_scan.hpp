// One value of a table's registration, read with a system-table scan: no privileges, no SPI. Plain server code.
#pragma once

#include "pg/server.hpp"

namespace softdelete::catalog {

struct RegisteredValue {
    bool is_found; // the relation, or a table that it is a partition or a child of, is registered
    bool is_null;
    Datum value; // a copy in the current memory context
};

// Has one of the extension's tables, named without its schema, any row? False where it is dropped already.
bool has_rows(const char *table);

// The registered table that the relation is or is a part of; InvalidOid for none.
Oid find_registered_relation(Oid relation);

// column: of softdelete.registration.
RegisteredValue find_registered_value(Oid relation, const char *column);

} // namespace softdelete::catalog
