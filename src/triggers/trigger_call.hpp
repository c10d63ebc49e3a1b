// What our trigger functions have in common: that they believe nothing of how they are called, and how they read rows.
// Anybody who may create a table can attach them (creating a partition clones triggers with the creator's rights, so
// EXECUTE cannot be taken away), hence every one of them begins with get_trigger_data(). Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "utils/rel.h"
}

namespace softdelete::triggers {

// A trigger as softdelete makes it.
struct TriggerShape {
    const char *function;
    const char *name;           // of the trigger
    bool is_prefix = false;     // the name goes on
    int16 types[2] = {-1, -1};  // pg_trigger.tgtype: one of these
    int16 arguments = 0;        // how many
    bool is_constraint = false; // made by CREATE CONSTRAINT TRIGGER
    const char *described;      // when it fires, for the error
};

// The call's data. Raises 39P01 where the function was not called by a trigger of that shape and of an allowed name.
TriggerData *get_trigger_data(FunctionCallInfo call, const TriggerShape &shape);

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
