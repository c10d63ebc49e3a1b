// Cast by the type's input function, as a literal would be.
#include "deletion/actor_value.hpp"

#include "deletion/open_deletions.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
}

namespace softdelete::deletion {

namespace {

Datum make_value(Oid type, int32 typmod, const char *actor, bool is_named, bool *is_null) {
    Oid base = type == TEXTOID ? type : getBaseType(type);
    if (!is_named && base != TEXTOID && base != NAMEOID && base != VARCHAROID && base != BPCHAROID) {
        *is_null = true;
        return 0;
    }
    if (actor == nullptr) {
        actor = get_actor();
    }
    *is_null = false;
    if (type == TEXTOID) {
        return CStringGetTextDatum(actor);
    }
    Oid input = InvalidOid;
    Oid parameter = InvalidOid;
    getTypeInputInfo(type, &input, &parameter);
    return OidInputFunctionCall(input, const_cast<char *>(actor), parameter, typmod);
}

// Is the error about the value? A cancelled statement and a lock that does not come have nothing to do with it.
bool is_about_value(int sqlstate) {
    int category = ERRCODE_TO_CATEGORY(sqlstate);
    return category == ERRCODE_DATA_EXCEPTION || category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION
           || sqlstate == ERRCODE_RAISE_EXCEPTION;
}

void name_setting(void *type) {
    if (!is_about_value(geterrcode())) {
        return;
    }
    errcontext("casting setting \"softdelete.actor\" to type %s", format_type_be(*static_cast<Oid *>(type)));
    errhint("Set softdelete.actor to a value of that type.");
}

} // namespace

Datum get_actor_value(Oid type, int32 typmod, bool *is_null) {
    const char *actor = get_named_actor();
    return get_actor_value(type, typmod, actor, actor != nullptr, is_null);
}

Datum get_actor_value(Oid type, int32 typmod, const char *actor, bool is_named, bool *is_null) {
    ErrorContextCallback context = {error_context_stack, name_setting, &type};
    error_context_stack = &context;
    Datum value = make_value(type, typmod, actor, is_named, is_null);
    error_context_stack = context.previous;
    return value;
}

} // namespace softdelete::deletion
