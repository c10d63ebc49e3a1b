// fmgr_hook: the server calls it for every function that it calls through fmgr_security_definer(), that is, for
// SECURITY DEFINER functions and those with a SET clause. Counts the former: a caller's visibility stays outside.
#include "hooks/hooks.hpp"

#include "pg/server.hpp"
#include "session/session_visibility.hpp"
#include "settings.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
}

#include <cstring>

namespace softdelete::hooks {

namespace {

fmgr_hook_type next_function_hook = nullptr;

enum class FunctionKind { invoker, definer, definer_with_visibility };

// Kept in the hook's private Datum, per call site; another hook's Datum is kept inside.
struct CallSite {
    FunctionKind kind;
    Datum next_private;
};

bool sets_visibility(HeapTuple function) {
    bool is_null = true;
    Datum config = SysCacheGetAttr(PROCOID, function, Anum_pg_proc_proconfig, &is_null);
    if (is_null) {
        return false;
    }
    Datum *items = nullptr;
    int count = 0;
    deconstruct_array(DatumGetArrayTypeP(config), TEXTOID, -1, false, TYPALIGN_INT, &items, nullptr, &count);
    for (int i = 0; i < count; i++) {
        const char *item = TextDatumGetCString(items[i]);
        if (pg_strncasecmp(item, "softdelete.visibility=", strlen("softdelete.visibility=")) == 0) {
            return true;
        }
    }
    return false;
}

FunctionKind kind_of_function(Oid function_id) {
    HeapTuple function = SearchSysCache1(PROCOID, ObjectIdGetDatum(function_id));
    if (!HeapTupleIsValid(function)) {
        return FunctionKind::invoker;
    }
    FunctionKind kind = FunctionKind::invoker;
    if (reinterpret_cast<Form_pg_proc>(GETSTRUCT(function))->prosecdef) {
        kind = sets_visibility(function) ? FunctionKind::definer_with_visibility : FunctionKind::definer;
    }
    ReleaseSysCache(function);
    return kind;
}

CallSite *get_call_site(FmgrInfo *function, Datum *private_data) {
    if (*private_data == 0) {
        auto *site = static_cast<CallSite *>(MemoryContextAllocZero(function->fn_mcxt, sizeof(CallSite)));
        site->kind = kind_of_function(function->fn_oid);
        *private_data = PointerGetDatum(site);
    }
    return reinterpret_cast<CallSite *>(DatumGetPointer(*private_data));
}

void count(FmgrHookEventType event, FunctionKind kind) {
    if (kind == FunctionKind::invoker) {
        return;
    }
    settings::set_definer_depth(settings::definer_depth() + (event == FHET_START ? 1 : -1));
    if (event == FHET_START && kind == FunctionKind::definer_with_visibility) {
        settings::note_visibility_belongs_to_function();
    }
}

extern "C" void softdelete_function_hook(FmgrHookEventType event, FmgrInfo *function, Datum *private_data) {
    CallSite *site = get_call_site(function, private_data);
    // At the start the other hook first: where it raises an error, the server tells nobody that the call is over.
    if (event == FHET_START && next_function_hook != nullptr) {
        next_function_hook(event, function, &site->next_private);
    }
    count(event, site->kind);
    if (event != FHET_START) {
        session::leave_session_view();
    }
    session::follow_session_view();
    if (event != FHET_START && next_function_hook != nullptr) {
        next_function_hook(event, function, &site->next_private);
    }
}

} // namespace

void install_function_hook() {
    next_function_hook = fmgr_hook;
    fmgr_hook = softdelete_function_hook;
}

} // namespace softdelete::hooks
