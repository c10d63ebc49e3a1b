// Caches the extension's function OIDs. Trust comes from extension membership: a schema or a function of the same name
// that somebody else created is not ours.
#include "session/extension_functions.hpp"

#include "pg/compat.hpp"

extern "C" {
#include "catalog/dependency.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "utils/inval.h"
#include "utils/syscache.h"
}

namespace softdelete::session {

namespace {

enum class CacheState { unknown, absent, present };

CacheState state = CacheState::unknown;
ExtensionFunctions cached;
bool is_known = false; // as of the last look-up

void forget(Datum, pg::compat::SysCacheIdentifier, uint32) {
    state = CacheState::unknown;
}

Oid find_function(const char *schema, const char *name, int argument_count, const Oid *arguments) {
    List *qualified = list_make2(makeString(pstrdup(schema)), makeString(pstrdup(name)));
    return LookupFuncName(qualified, argument_count, arguments, true);
}

Oid find_internal(const char *name, int argument_count, const Oid *arguments) {
    return find_function("softdelete_internal", name, argument_count, arguments);
}

bool look_up() {
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
    cached.on_delete = find_internal("on_delete", 0, nullptr);
    cached.on_update = find_internal("on_update", 0, nullptr);
    cached.lock_row = find_internal("lock_row", 0, nullptr);
    cached.collect_deleted = find_internal("collect_deleted", 0, nullptr);
    cached.check_children = find_internal("check_children", 0, nullptr);
    cached.check_parent = find_internal("check_parent", 0, nullptr);
    cached.include_deleted = find_function("softdelete", "include_deleted", 1, one_element);
    cached.new_deletion_id = find_internal("new_deletion_id", 1, one_regclass);
    cached.new_actor = find_internal("new_actor", 2, element_integer);
    cached.assign_deleted_at = find_internal("assign_deleted_at", 3, element_element_regclass);
    cached.assign_deletion_id = find_internal("assign_deletion_id", 2, bigint_regclass);
    cached.assign_deleted_by = find_internal("assign_deleted_by", 2, element_integer);
    cached.check_deleted_at = find_internal("check_deleted_at", 2, element_regclass);
    cached.check_deletion_id = find_internal("check_deletion_id", 2, two_bigints);
    cached.note_restored = find_internal("note_restored", 1, one_bigint);
    cached.refuse_deleted = find_internal("refuse_deleted", 3, element_regclass_boolean);
    return OidIsValid(cached.on_delete)
           && getExtensionOfObject(ProcedureRelationId, cached.on_delete) == extension;
}

} // namespace

const ExtensionFunctions *find_extension_functions() {
    if (state == CacheState::unknown) {
        // Mark first: an invalidation that arrives during the look-up must win.
        state = CacheState::absent;
        bool found = look_up();
        is_known = found;
        if (found && state == CacheState::absent) {
            state = CacheState::present;
        }
        return found ? &cached : nullptr;
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
