// One object lock per database, in the server's lock manager: the verbs share it, a batch has it alone. In a mode that hot standbys
// allow, where nothing moves rows but the replay of what was done elsewhere.
#include "registry/place_lock.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
}

namespace softdelete::registry {

namespace {

void lock_places(LOCKMODE mode) {
    Oid schema = get_namespace_oid("softdelete_internal", true);
    Oid archives = OidIsValid(schema) ? get_relname_relid("archive", schema) : InvalidOid;
    if (!OidIsValid(archives)) {
        return; // a database without the extension has no deleted rows
    }
    LOCKTAG tag;
    SET_LOCKTAG_OBJECT(tag, MyDatabaseId, archives, archives, 0);
    (void)LockAcquire(&tag, mode, false, false);
    AcceptInvalidationMessages();
}

} // namespace

void keep_rows_in_place() {
    lock_places(AccessShareLock);
}

void move_rows_alone() {
    lock_places(AccessExclusiveLock);
}

} // namespace softdelete::registry
