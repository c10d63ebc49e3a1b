// Reads pg_event_trigger_ddl_commands().
#include "pg/created_objects.hpp"

#include "pg/function_rows.hpp"

extern "C" {
#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
}

#include <cstring>

namespace softdelete::pg {

namespace {

// Columns of the function's result, from 1.
enum CommandColumn { command_class_id = 1, command_object_id, command_tag = 4 };

} // namespace

bool is_created_by_command(Oid table) {
    bool is_created = false;
    for_each_row(F_PG_EVENT_TRIGGER_DDL_COMMANDS, [&](TupleTableSlot *slot) {
        bool is_null = false;
        bool is_table = DatumGetObjectId(slot_getattr(slot, command_class_id, &is_null)) == RelationRelationId
                        && DatumGetObjectId(slot_getattr(slot, command_object_id, &is_null)) == table;
        if (is_table) {
            const char *tag = TextDatumGetCString(slot_getattr(slot, command_tag, &is_null));
            is_created = is_created || strncmp(tag, "CREATE ", strlen("CREATE ")) == 0;
        }
    });
    return is_created;
}

} // namespace softdelete::pg
