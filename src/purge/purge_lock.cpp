// Lets one run at a time purge a table. Takes an object lock of the server's lock manager on the table, seen as a row
// of our registration table, which nothing else locks. Called by purge/purge_rows.
#include "purge/purge_lock.hpp"

#include "pg/compat.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "utils/lsyscache.h"
}

namespace softdelete::purge {

namespace {

LOCKTAG make_tag(Oid relation) {
    Oid registry = get_relname_relid("registration", get_namespace_oid("softdelete_internal", false));
    LOCKTAG tag;
    SET_LOCKTAG_OBJECT(tag, MyDatabaseId, registry, relation, 0);
    return tag;
}

} // namespace

PurgeLock::PurgeLock(Oid relation, bool of_session) : of_session_(of_session) {
    is_held_ = pg::call([&] {
        tag_ = make_tag(relation);
        return LockAcquire(&tag_, ExclusiveLock, of_session_, true) != LOCKACQUIRE_NOT_AVAIL;
    });
}

// The abort of a transaction has released it already.
PurgeLock::~PurgeLock() {
    if (is_held_ && of_session_ && pg::compat::is_lock_held(&tag_, ExclusiveLock)) {
        LockRelease(&tag_, ExclusiveLock, true);
    }
}

bool PurgeLock::is_taken(Oid relation) {
    return pg::call([&] {
        LOCKTAG tag = make_tag(relation);
        if (pg::compat::is_lock_held(&tag, ExclusiveLock)) {
            return true;
        }
        if (LockAcquire(&tag, ShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL) {
            return true;
        }
        LockRelease(&tag, ShareLock, false);
        return false;
    });
}

} // namespace softdelete::purge
