// Takes the server's own locks of objects, in which its DROP finds them (AcquireDeletionLock() in src/backend/catalog/dependency.c) and
// most of its renames (get_object_address()). Those of schemas, types and extensions take none: ddl/lock_target takes it for
// them. In modes in which CREATE (ACCESS SHARE of the schema) and COMMENT (SHARE UPDATE EXCLUSIVE) do not meet rules.
#include "registry/rule_lock.hpp"

extern "C" {
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
}

namespace softdelete::registry {

namespace {

bool has_privilege(Oid relation) {
    return get_rel_relkind(relation) == RELKIND_COMPOSITE_TYPE
           || pg_class_aclmask(relation, GetUserId(), ACL_ALL_RIGHTS_RELATION, ACLMASK_ANY) != ACL_NO_RIGHTS;
}

} // namespace

void lock_named(const ObjectAddress *objects, int count) {
    for (int i = 0; i < count; i++) {
        if (objects[i].classId != RelationRelationId) {
            LockDatabaseObject(objects[i].classId, objects[i].objectId, 0, RowExclusiveLock);
        } else if (get_rel_relkind(objects[i].objectId) != '\0' && has_privilege(objects[i].objectId)) {
            LockRelationOid(objects[i].objectId, AccessShareLock);
        }
    }
}

void lock_renamed(const ObjectAddress &object) {
    LockDatabaseObject(object.classId, object.objectId, 0, ShareRowExclusiveLock);
}

void unlock_renamed(const ObjectAddress &object) {
    UnlockDatabaseObject(object.classId, object.objectId, 0, ShareRowExclusiveLock);
}

void lock_type_of_cast(const ObjectAddress &type) {
    LockDatabaseObject(type.classId, type.objectId, 0, ShareLock);
}

} // namespace softdelete::registry
