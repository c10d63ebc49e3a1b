// Which deletion times may be written: retention counts from them. Plain server code, called per row.
#pragma once

#include "pg/server.hpp"

namespace softdelete::deletion {

// Raises 22008 where a value of deleted_at, of a type with or without time zone, is infinite or more than a day ahead.
void check_deletion_time(Datum value, Oid type, Oid relation);

// The same, and 42501 where it is more than a day back and the current user does not own the table.
void check_time_of_deletion(Datum value, Oid type, Oid relation);

// The same for a row that is deleted already: 42501 for whoever does not own the table.
void check_may_redate(Datum value, Oid type, Oid relation);

} // namespace softdelete::deletion
