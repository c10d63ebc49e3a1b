// Reads pg_event_trigger_dropped_objects().
#include "pg/dropped_objects.hpp"

#include "pg/function_rows.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
}

namespace softdelete::pg {

namespace {

// Columns of the function's result, from 1.
enum Column {
    class_id = 1,
    object_id,
    column,
    original,
    temporary = 6,
    object_type,
    object_identity = 10,
    address_names
};

void read_names(Datum array, DroppedObject *object) {
    Datum *values = nullptr;
    bool *nulls = nullptr;
    int count = 0;
    deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
    for (int i = 0; i < Min(count, 3); i++) {
        object->names[i] = nulls[i] ? nullptr : TextDatumGetCString(values[i]);
    }
}

DroppedObject *read_object(TupleTableSlot *slot) {
    auto *object = static_cast<DroppedObject *>(palloc0(sizeof(DroppedObject)));
    bool is_null = false;
    object->class_id = DatumGetObjectId(slot_getattr(slot, class_id, &is_null));
    object->object_id = DatumGetObjectId(slot_getattr(slot, object_id, &is_null));
    object->column = DatumGetInt32(slot_getattr(slot, column, &is_null));
    object->is_original = DatumGetBool(slot_getattr(slot, original, &is_null));
    object->is_temporary = DatumGetBool(slot_getattr(slot, temporary, &is_null));
    Datum type = slot_getattr(slot, object_type, &is_null);
    object->type = is_null ? "" : TextDatumGetCString(type);
    Datum identity = slot_getattr(slot, object_identity, &is_null);
    object->identity = is_null ? "" : TextDatumGetCString(identity);
    Datum names = slot_getattr(slot, address_names, &is_null);
    if (!is_null) {
        read_names(names, object);
    }
    return object;
}

} // namespace

List *get_dropped_objects() {
    List *objects = NIL;
    for_each_row(F_PG_EVENT_TRIGGER_DROPPED_OBJECTS,
                 [&](TupleTableSlot *slot) { objects = lappend(objects, read_object(slot)); });
    return objects;
}

} // namespace softdelete::pg
