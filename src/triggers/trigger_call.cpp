// Compares the trigger that fired with the one that softdelete makes. What it may not differ in: name, timing, level,
// events, columns, arguments, transition tables.
#include "triggers/trigger_call.hpp"

#include "session/distributed_tables.hpp"

#include <cstring>

namespace softdelete::triggers {

namespace {

bool has_shape(const Trigger *trigger, const char *table, const TriggerShape &shape) {
    bool has_name = shape.is_prefix ? strncmp(trigger->tgname, shape.name, strlen(shape.name)) == 0
                                    : session::is_own_trigger_name(trigger->tgname, shape.name, table);
    bool has_type =
        trigger->tgtype == shape.types[0] || (shape.types[1] != 0 && trigger->tgtype == shape.types[1]);
    return has_name && has_type && trigger->tgnargs == shape.arguments && trigger->tgnattr == 0
           && OidIsValid(trigger->tgconstraint) == shape.is_constraint && trigger->tgoldtable == nullptr
           && trigger->tgnewtable == nullptr;
}

} // namespace

TriggerData *get_trigger_data(FunctionCallInfo call, const TriggerShape &shape) {
    if (!CALLED_AS_TRIGGER(call)) {
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("function \"%s\" was not called by trigger manager", shape.function)));
    }
    auto *data = reinterpret_cast<TriggerData *>(call->context);
    if (!has_shape(data->tg_trigger, RelationGetRelationName(data->tg_relation), shape)) {
        ereport(ERROR,
                (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                 errmsg("trigger \"%s\" of table \"%s\" was not made by softdelete", data->tg_trigger->tgname,
                        RelationGetRelationName(data->tg_relation)),
                 errdetail("Function \"%s\" is for triggers named \"%s%s\" that fire %s, with %d arguments.",
                           shape.function, shape.name, shape.is_prefix ? "..." : "", shape.described,
                           shape.arguments),
                 errhint("Drop the trigger. softdelete.register() makes those that a table needs."),
                 errtable(data->tg_relation)));
    }
    return data;
}

} // namespace softdelete::triggers
