// What the trigger functions ask of their call. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "access/htup_details.h"
#include "commands/trigger.h"
#include "utils/rel.h"
}

namespace softdelete::triggers {

// Raises 39P01 where the function was not called as a trigger.
inline TriggerData *get_trigger_data(FunctionCallInfo call, const char *function) {
    if (!CALLED_AS_TRIGGER(call)) {
        ereport(ERROR,
                (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                 errmsg("function \"softdelete_internal.%s\" was not called by trigger manager", function)));
    }
    return reinterpret_cast<TriggerData *>(call->context);
}

// The row as the event leaves it.
inline HeapTuple get_new_row(const TriggerData *data) {
    return TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple;
}

// The row before an UPDATE; null for an INSERT.
inline HeapTuple get_old_row(const TriggerData *data) {
    return TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_trigtuple : nullptr;
}

inline bool is_null(HeapTuple row, AttrNumber attribute, Relation relation) {
    return heap_attisnull(row, attribute, RelationGetDescr(relation));
}

} // namespace softdelete::triggers
