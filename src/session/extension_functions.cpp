// Caches the extension's function OIDs. Trust comes from extension membership: a schema or a function of the same name
// that somebody else created is not ours. Nobody's privileges are asked: what the session knows of the extension must not
// depend on who looks first.
#include "session/extension_functions.hpp"

#include "pg/compat.hpp"

extern "C" {
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/syscache.h"
}

namespace softdelete::session {

namespace {

enum class CacheState { unknown, absent, present };

CacheState state = CacheState::unknown;
ExtensionFunctions cached;
uint64 changes = 0;    // of functions and schemas, as this session has heard of them
bool is_known = false; // as of the last look-up

void forget(Datum, pg::compat::SysCacheIdentifier, uint32) {
    changes++;
    state = CacheState::unknown;
}

Oid find_function(const char *schema_name, const char *name, int argument_count, const Oid *arguments) {
    Oid schema = get_namespace_oid(schema_name, true);
    oidvector *types = buildoidvector(arguments, argument_count);
    Oid function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
                                   PointerGetDatum(types), ObjectIdGetDatum(schema));
    pfree(types);
    return function;
}

Oid find_internal(const char *name, int argument_count, const Oid *arguments) {
    return find_function("softdelete_internal", name, argument_count, arguments);
}

// Raises whatever the catalogs raise, as where a lock on them times out.
bool look_up(ExtensionFunctions *found) {
    Oid extension = get_extension_oid("softdelete", true);
    if (!OidIsValid(extension)) {
        return false;
    }
    const Oid one_element[] = {ANYELEMENTOID};
    const Oid one_regclass[] = {REGCLASSOID};
    const Oid element_integer[] = {ANYELEMENTOID, INT4OID};
    const Oid element_element_regclass[] = {ANYELEMENTOID, ANYELEMENTOID, REGCLASSOID};
    const Oid bigint_regclass[] = {INT8OID, REGCLASSOID};
    const Oid element_regclass[] = {ANYELEMENTOID, REGCLASSOID};
    const Oid element_regclass_boolean[] = {ANYELEMENTOID, REGCLASSOID, BOOLOID};
    const Oid one_bigint[] = {INT8OID};
    const Oid two_bigints[] = {INT8OID, INT8OID};
    found->on_delete = find_internal("on_delete", 0, nullptr);
    found->on_update = find_internal("on_update", 0, nullptr);
    found->lock_row = find_internal("lock_row", 0, nullptr);
    found->collect_deleted = find_internal("collect_deleted", 0, nullptr);
    found->check_children = find_internal("check_children", 0, nullptr);
    found->check_parent = find_internal("check_parent", 0, nullptr);
    found->include_deleted = find_function("softdelete", "include_deleted", 1, one_element);
    found->new_deletion_id = find_internal("new_deletion_id", 1, one_regclass);
    found->new_actor = find_internal("new_actor", 2, element_integer);
    found->assign_deleted_at = find_internal("assign_deleted_at", 3, element_element_regclass);
    found->assign_deletion_id = find_internal("assign_deletion_id", 2, bigint_regclass);
    found->assign_deleted_by = find_internal("assign_deleted_by", 2, element_integer);
    found->check_deleted_at = find_internal("check_deleted_at", 2, element_regclass);
    found->check_deletion_id = find_internal("check_deletion_id", 2, two_bigints);
    found->note_restored = find_internal("note_restored", 1, one_bigint);
    found->refuse_deleted = find_internal("refuse_deleted", 3, element_regclass_boolean);
    return OidIsValid(found->on_delete)
           && getExtensionOfObject(ProcedureRelationId, found->on_delete) == extension;
}

} // namespace

const ExtensionFunctions *find_extension_functions() {
    if (state == CacheState::unknown) {
        // Kept when the look-up is through, and not where it raised an error: the next one asks again. An invalidation
        // that arrived meanwhile wins, too.
        uint64 changes_before = changes;
        ExtensionFunctions found = {};
        bool is_present = look_up(&found);
        cached = found;
        is_known = is_present;
        if (changes == changes_before) {
            state = is_present ? CacheState::present : CacheState::absent;
        }
        return is_present ? &cached : nullptr;
    }
    return state == CacheState::present ? &cached : nullptr;
}

bool is_extension_known() noexcept {
    return is_known;
}

void install_extension_functions() {
    CacheRegisterSyscacheCallback(PROCOID, forget, 0);
    CacheRegisterSyscacheCallback(NAMESPACEOID, forget, 0);
}

} // namespace softdelete::session
