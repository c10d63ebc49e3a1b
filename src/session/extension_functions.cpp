// Looks up the OIDs of our functions once, and again after a change to pg_proc. Trust comes from extension membership:
// a schema or a function of the same name that somebody else created is not ours.
#include "session/extension_functions.hpp"

#include "pg/compat.hpp"
#include "session/distributed_tables.hpp"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/syscache.h"
}

#include <cstring>

namespace softdelete::session {

namespace {

enum class CacheState { unknown, absent, present };

CacheState state = CacheState::unknown;
ExtensionFunctions cached;
uint64 function_changes = 0; // of functions and schemas, as this session has heard of them

void forget(Datum, pg::compat::SysCacheIdentifier, uint32) {
    function_changes++;
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

bool read_version(Oid extension, char *version) {
    Relation catalog = table_open(ExtensionRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(extension));
    SysScanDesc scan = systable_beginscan(catalog, ExtensionOidIndexId, true, nullptr, 1, &key);
    HeapTuple row = systable_getnext(scan);
    bool is_null = true;
    Datum value = HeapTupleIsValid(row)
                      ? heap_getattr(row, Anum_pg_extension_extversion, RelationGetDescr(catalog), &is_null)
                      : 0;
    strlcpy(version, is_null ? "" : TextDatumGetCString(value), NAMEDATALEN);
    systable_endscan(scan);
    table_close(catalog, AccessShareLock);
    return strcmp(version, SOFTDELETE_VERSION) == 0;
}

// Those for tables of Citus.
void look_up_distributed(ExtensionFunctions *found) {
    const Oid element_text[] = {ANYELEMENTOID, TEXTOID};
    const Oid regclass_text[] = {REGCLASSOID, TEXTOID};
    const Oid element_integer_text[] = {ANYELEMENTOID, INT4OID, TEXTOID};
    found->as_deletion = find_internal("as_deletion", 2, element_text);
    found->token = find_internal("token", 1, regclass_text);
    found->adopt_deletion = find_internal("adopt_deletion", 2, regclass_text);
    found->adopted_time = find_internal("adopted_time", 1, regclass_text + 1);
    found->adopted_actor = find_internal("adopted_actor", 3, element_integer_text);
    found->deletion_time = find_internal("deletion_time", 0, nullptr);
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
    found->on_truncate = find_internal("on_truncate", 0, nullptr);
    found->check_written = find_internal("check_written", 0, nullptr);
    found->lock_row = find_internal("lock_row", 0, nullptr);
    found->collect_deleted = find_internal("collect_deleted", 0, nullptr);
    found->check_children = find_internal("check_children", 0, nullptr);
    found->check_parent = find_internal("check_parent", 0, nullptr);
    found->on_history_change = find_internal("on_history_change", 0, nullptr);
    found->on_history_truncate = find_internal("on_history_truncate", 0, nullptr);
    found->on_kept_table = find_internal("on_kept_table", 0, nullptr);
    found->on_archived_delete = find_internal("on_archived_delete", 0, nullptr);
    found->on_applied_removal = find_internal("on_applied_removal", 0, nullptr);
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
    if (is_citus_loaded()) {
        look_up_distributed(found);
    }
    found->is_of_this_version = read_version(extension, found->version);
    return OidIsValid(found->on_delete)
           && getExtensionOfObject(ProcedureRelationId, found->on_delete) == extension;
}

} // namespace

const ExtensionFunctions *find_extension_functions() {
    if (state == CacheState::unknown) {
        // Kept when the look-up is through, and not where it raised an error: the next one asks again. An invalidation
        // that arrived meanwhile wins, too.
        uint64 changes_before = function_changes;
        ExtensionFunctions found = {};
        bool is_present = look_up(&found);
        cached = found;
        if (function_changes == changes_before) {
            state = is_present ? CacheState::present : CacheState::absent;
        }
        return is_present ? &cached : nullptr;
    }
    return state == CacheState::present ? &cached : nullptr;
}

void check_version() {
    const ExtensionFunctions *own = find_extension_functions();
    if (own != nullptr && !own->is_of_this_version) {
        ereport(
            ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("extension softdelete is of version %s in this database, and its library of version %s",
                    own->version, SOFTDELETE_VERSION),
             errhint("If the library is the newer one, run ALTER EXTENSION softdelete UPDATE. If not, start "
                     "a new "
                     "session, or the server where it preloads the library.")));
    }
}

bool is_trigger_function(Oid function) {
    const ExtensionFunctions *own = find_extension_functions();
    return own != nullptr
           && (function == own->on_delete || function == own->on_update || function == own->on_truncate
               || function == own->check_written || function == own->lock_row
               || function == own->collect_deleted || function == own->check_children
               || function == own->check_parent || function == own->on_history_change
               || function == own->on_history_truncate || function == own->on_kept_table
               || function == own->on_archived_delete || function == own->on_applied_removal);
}

void install_extension_functions() {
    CacheRegisterSyscacheCallback(PROCOID, forget, 0);
    CacheRegisterSyscacheCallback(NAMESPACEOID, forget, 0);
}

} // namespace softdelete::session
