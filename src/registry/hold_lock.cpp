// An object lock for each table, beside those that registry/retention takes. Called by holds/ and ddl/. Which tables a hold or
// a removal concerns is worked out in holds/hold_tables.
#include "registry/hold_lock.hpp"

#include "registry/archive_scan.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
}

namespace softdelete::registry {

namespace {

// After so many vain attempts the locks are waited for in turn, and the server finds out who waits for whom.
constexpr int most_attempts = 10;

LOCKMODE to_server(HoldAccess access) {
    switch (access) {
    case HoldAccess::make:
        return RowExclusiveLock;
    case HoldAccess::remove:
        return ShareLock;
    case HoldAccess::erase:
        return ShareRowExclusiveLock;
    }
    pg_unreachable();
}

LOCKTAG make_tag(Oid holds, Oid table) {
    LOCKTAG tag;
    SET_LOCKTAG_OBJECT(tag, MyDatabaseId, holds, table, 0);
    return tag;
}

bool lock(Oid holds, Oid table, LOCKMODE mode, bool waits) {
    LOCKTAG tag = make_tag(holds, table);
    return LockAcquire(&tag, mode, false, !waits) != LOCKACQUIRE_NOT_AVAIL;
}

// Locks those that are to be had without waiting, after the first one, for which it waits. Returns the table whose lock
// somebody else has, and keeps none then.
Oid try_all(Oid holds, const List *tables, LOCKMODE mode, Oid first) {
    if (OidIsValid(first)) {
        (void)lock(holds, first, mode, true);
    }
    for (int i = 0; i < list_length(tables); i++) {
        if (!lock(holds, list_nth_oid(tables, i), mode, false)) {
            for (int j = 0; j < i; j++) {
                LOCKTAG tag = make_tag(holds, list_nth_oid(tables, j));
                (void)LockRelease(&tag, mode, false);
            }
            if (OidIsValid(first)) {
                LOCKTAG tag = make_tag(holds, first);
                (void)LockRelease(&tag, mode, false);
            }
            return list_nth_oid(tables, i);
        }
    }
    return InvalidOid;
}

} // namespace

Oid get_locked_table(Oid relation) {
    Oid root = get_rel_relispartition(relation) ? llast_oid(get_partition_ancestors(relation)) : relation;
    Oid archived = find_table_of_archive(root);
    return OidIsValid(archived) ? archived : root;
}

void lock_holds_on(const List *tables, HoldAccess access) {
    Oid schema = get_namespace_oid("softdelete_internal", true);
    Oid holds = OidIsValid(schema) ? get_relname_relid("hold", schema) : InvalidOid;
    if (!OidIsValid(holds)) {
        return; // a database without the extension has no holds
    }
    LOCKMODE mode = to_server(access);
    List *roots = NIL;
    for (int i = 0; i < list_length(tables); i++) {
        roots = list_append_unique_oid(roots, get_locked_table(list_nth_oid(tables, i)));
    }
    list_sort(roots, list_oid_cmp);
    Oid busy = InvalidOid;
    for (int i = 0; i < most_attempts; i++) {
        busy = try_all(holds, roots, mode, busy);
        if (!OidIsValid(busy)) {
            AcceptInvalidationMessages();
            return;
        }
    }
    for (int i = 0; i < list_length(roots); i++) {
        (void)lock(holds, list_nth_oid(roots, i), mode, true);
    }
    AcceptInvalidationMessages();
}

} // namespace softdelete::registry
