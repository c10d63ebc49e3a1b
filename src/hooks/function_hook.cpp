// fmgr_hook: the server calls it for every function that it calls through fmgr_security_definer(), that is, for
// SECURITY DEFINER functions and those with a SET clause. Counts the former: a caller's visibility stays outside.
#include "hooks/hooks.hpp"

#include "pg/called_settings.hpp"
#include "session/session_visibility.hpp"
#include "session/utility_commands.hpp"
#include "settings.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/syscache.h"
}

#include <cstring>

namespace softdelete::hooks {

namespace {

fmgr_hook_type next_function_hook = nullptr;
needs_fmgr_hook_type next_needs_hook = nullptr;

enum class FunctionKind { invoker, definer, definer_with_visibility };

// Kept in the hook's private Datum, per call site; another hook's Datum is kept inside.
struct CallSite {
    FunctionKind kind;
    bool
        has_settings; // a SET clause, which wins and which the server ends before it tells that the call is over
    int settings_level; // of the settings that a function of users' gets in a command of ours; 0 where it gets none
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

void describe(Oid function_id, CallSite *site) {
    HeapTuple function = SearchSysCache1(PROCOID, ObjectIdGetDatum(function_id));
    if (!HeapTupleIsValid(function)) {
        return;
    }
    site->has_settings = !heap_attisnull(function, Anum_pg_proc_proconfig, nullptr);
    if (reinterpret_cast<Form_pg_proc>(GETSTRUCT(function))->prosecdef) {
        site->kind =
            sets_visibility(function) ? FunctionKind::definer_with_visibility : FunctionKind::definer;
    }
    ReleaseSysCache(function);
}

CallSite *get_call_site(FmgrInfo *function, Datum *private_data) {
    if (*private_data == 0) {
        auto *site = static_cast<CallSite *>(MemoryContextAllocZero(function->fn_mcxt, sizeof(CallSite)));
        describe(function->fn_oid, site);
        *private_data = PointerGetDatum(site);
    }
    return reinterpret_cast<CallSite *>(DatumGetPointer(*private_data));
}

// What our own DDL calls: event triggers, and functions in index expressions. They find the settings of whoever called us.
void set_called_settings(FmgrHookEventType event, CallSite *site) {
    if (event == FHET_START && !site->has_settings && site->settings_level == 0
        && session::is_called_by_own_command()) {
        site->settings_level = NewGUCNestLevel();
        pg::CalledSettings::apply();
    } else if (event != FHET_START && site->settings_level > 0) {
        // An error's abort ends them itself; what the function of a table's owner has set ends with it.
        if (event == FHET_END) {
            AtEOXact_GUC(!InSecurityRestrictedOperation(), site->settings_level);
        }
        site->settings_level = 0;
    }
}

bool is_of_users(Oid function_id) {
    HeapTuple function = SearchSysCache1(PROCOID, ObjectIdGetDatum(function_id));
    if (!HeapTupleIsValid(function)) {
        return false;
    }
    Oid language = reinterpret_cast<Form_pg_proc>(GETSTRUCT(function))->prolang;
    bool has_settings = !heap_attisnull(function, Anum_pg_proc_proconfig, nullptr);
    ReleaseSysCache(function);
    return language != INTERNALlanguageId && language != ClanguageId && !has_settings;
}

// Asked for every function that is looked up: within our own DDL users' functions are called through the hook.
extern "C" bool softdelete_needs_function_hook(Oid function) {
    return (session::is_called_by_own_command() && is_of_users(function))
           || (next_needs_hook != nullptr && next_needs_hook(function));
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
    set_called_settings(event, site);
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
    next_needs_hook = needs_fmgr_hook;
    needs_fmgr_hook = softdelete_needs_function_hook;
    next_function_hook = fmgr_hook;
    fmgr_hook = softdelete_function_hook;
}

} // namespace softdelete::hooks
