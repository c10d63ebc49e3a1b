// The server's list of dropped objects, for event triggers on sql_drop. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/pg_list.h"
}

namespace softdelete::pg {

// One row of pg_event_trigger_dropped_objects(). The texts are null where the row has none.
struct DroppedObject {
    Oid class_id;
    Oid object_id;
    int column;       // 0 for a whole relation
    bool is_original; // named by the statement
    bool is_temporary;
    const char *type;
    const char *identity; // in full, as the server names it
    // The object's name in parts; what belongs to a table has the table's schema, the table's name and its own.
    const char *names[3];
};

// Palloc'd DroppedObjects. Errors: the server's, outside such event triggers.
List *get_dropped_objects();

} // namespace softdelete::pg
