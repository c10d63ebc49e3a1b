// Takes the locks of a command a little earlier than the command does: with the locks of ProcessUtilitySlow() in
// src/backend/tcop/utility.c and of what it calls, in the same order. Called by the event trigger on ddl_command_start, before
// it asks what is registered. Who may not run the command locks nothing here, and learns from the server that he may not.
#include "ddl/lock_target.hpp"

#include "ddl/command_table.hpp"
#include "ddl/renamed_object.hpp"
#include "pg/compat.hpp"
#include "pg/compat_owners.hpp"
#include "registry/rule_lock.hpp"

extern "C" {
#include "catalog/catalog.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/tablecmds.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
}

namespace softdelete::ddl {

namespace {

using MayLock = bool (*)(Oid relation);

bool is_owner(Oid relation) {
    return get_rel_relkind(relation) != '\0' && pg::compat::owns_relation(relation, GetUserId());
}

// The owner of a schema may drop what is in it.
bool may_drop(Oid relation) {
    return is_owner(relation) || owns_schema(get_rel_namespace(relation));
}

bool may_add_trigger(Oid relation) {
    return is_owner(relation) || pg_class_aclcheck(relation, GetUserId(), ACL_TRIGGER) == ACLCHECK_OK;
}

// As RangeVarGetRelidExtended() in src/backend/catalog/namespace.c, which raises an error where this locks nothing.
Oid lock_named(const RangeVar *name, LOCKMODE lock, MayLock may_lock = is_owner) {
    Oid relation = find_relation(name);
    while (OidIsValid(relation) && may_lock(relation)) {
        LockRelationOid(relation, lock);
        Oid found = find_relation(name);
        if (found == relation) {
            break;
        }
        UnlockRelationOid(relation, lock);
        relation = found;
    }
    return relation;
}

// What is locked before it: the table of an index, and the one that a table is a partition of.
Oid find_above(const RangeVar *name) {
    Oid relation = find_relation(name);
    char kind = OidIsValid(relation) ? get_rel_relkind(relation) : '\0';
    if (kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX) {
        return IndexGetRelation(relation, true);
    }
    return kind != '\0' && get_rel_relispartition(relation) ? get_partition_parent(relation, true)
                                                            : InvalidOid;
}

// As RangeVarCallbackForDropRelation() in src/backend/commands/tablecmds.c has it, since queries lock in that order.
void lock_from_above(const RangeVar *name, LOCKMODE lock) {
    Oid above = find_above(name);
    while (OidIsValid(above) && may_drop(find_relation(name))) {
        LockRelationOid(above, lock);
        Oid found = find_above(name);
        if (found == above) {
            break;
        }
        UnlockRelationOid(above, lock);
        above = found;
    }
    lock_named(name, lock, may_drop);
}

// Rules for anonymization name functions, types, schemas and the like: registry/rule_lock has the other half. The command itself locks
// some of these as strongly, and others not at all.
void lock_free_object(const Node *statement) {
    ObjectAddress object = find_renamed_object(statement);
    while (OidIsValid(object.objectId) && pg::compat::owns_object(object, GetUserId())) {
        registry::lock_renamed(object);
        const ObjectAddress found = find_renamed_object(statement);
        if (found.objectId == object.objectId) {
            break;
        }
        registry::unlock_renamed(object);
        object = found;
    }
}

// What rules are fit for is up to casts as well, which they do not depend on; but on their types.
void lock_types_of_casts(const DropStmt *drop) {
    ListCell *cell;
    foreach (cell, find_own_types_of_casts(reinterpret_cast<const Node *>(drop))) {
        if (!IsPinnedObject(TypeRelationId, lfirst_oid(cell))) {
            registry::lock_type_of_cast({TypeRelationId, lfirst_oid(cell), 0});
        }
    }
}

void lock_dropped(const DropStmt *drop) {
    LOCKMODE lock = drop->concurrent ? ShareUpdateExclusiveLock : AccessExclusiveLock;
    ListCell *cell;
    foreach (cell, drop->objects) {
        auto *names = reinterpret_cast<List *>(lfirst(cell));
        switch (drop->removeType) {
        case OBJECT_INDEX:
        case OBJECT_TABLE:
        case OBJECT_VIEW:
            lock_from_above(makeRangeVarFromNameList(names), lock);
            break;
        case OBJECT_TRIGGER:
        case OBJECT_POLICY:
        case OBJECT_RULE:
            if (list_length(names) > 1) { // the last name is that of the object
                List *table = list_truncate(list_copy(names), list_length(names) - 1);
                lock_named(makeRangeVarFromNameList(table), lock);
            }
            break;
        default:
            return;
        }
    }
}

// The partition that comes or goes, and the parent of a child that does.
void lock_moved(const AlterTableCmd *command) {
    switch (command->subtype) {
    case AT_AttachPartition:
    case AT_DetachPartitionFinalize:
        lock_named(castNode(PartitionCmd, command->def)->name, AccessExclusiveLock);
        break;
    case AT_DetachPartition: {
        const auto *detach = castNode(PartitionCmd, command->def);
        lock_named(detach->name, detach->concurrent ? ShareUpdateExclusiveLock : AccessExclusiveLock);
        break;
    }
    case AT_AddInherit:
        lock_named(castNode(RangeVar, command->def), ShareUpdateExclusiveLock);
        break;
    case AT_DropInherit:
        lock_named(castNode(RangeVar, command->def), AccessShareLock);
        break;
    default:
        break;
    }
}

// A type has no lock of its own: the tables made of it have.
void lock_tables_of_type(const DdlCommand &command, LOCKMODE lock) {
    ListCell *cell;
    foreach (cell, find_changed_tables(command)) {
        Oid table = lfirst_oid(cell);
        if (table != command.relation && is_owner(table)) {
            LockRelationOid(table, lock);
        }
    }
}

void lock_altered(DdlCommand *command) {
    AlterTableStmt *alter = castNode(AlterTableStmt, command->node);
    LOCKMODE lock = AlterTableGetLockLevel(alter->cmds);
    command->relation = AlterTableLookupRelation(alter, lock);
    lock_tables_of_type(*command, lock);
    ListCell *cell;
    foreach (cell, alter->objtype == OBJECT_TABLE ? alter->cmds : NIL) {
        lock_moved(lfirst_node(AlterTableCmd, cell));
    }
}

void lock_indexed(DdlCommand *command) {
    const IndexStmt *index = castNode(IndexStmt, command->node);
    LOCKMODE lock = index->concurrent ? ShareUpdateExclusiveLock : ShareLock;
    command->relation =
        RangeVarGetRelidExtended(index->relation, lock, 0, RangeVarCallbackOwnsRelation, nullptr);
}

void lock_renamed(DdlCommand *command) {
    const RenameStmt *rename = castNode(RenameStmt, command->node);
    if (rename->relation == nullptr) {
        lock_free_object(command->node);
        return;
    }
    LOCKMODE lock = rename->renameType == OBJECT_INDEX ? ShareUpdateExclusiveLock : AccessExclusiveLock;
    command->relation = lock_named(rename->relation, lock);
    lock_tables_of_type(*command, lock);
}

void lock_moved_to_schema(DdlCommand *command) {
    const auto *move = castNode(AlterObjectSchemaStmt, command->node);
    if (move->relation == nullptr) {
        lock_free_object(command->node);
    } else {
        command->relation = lock_named(move->relation, AccessExclusiveLock);
    }
}

// COMMENT ON CONSTRAINT, which may be an index now, and ON COLUMN, which may be that of the retention.
void lock_commented(const CommentStmt *comment) {
    if (comment->objtype != OBJECT_TABCONSTRAINT && comment->objtype != OBJECT_COLUMN) {
        return;
    }
    List *names = castNode(List, comment->object);
    if (list_length(names) > 1) {
        List *table = list_truncate(list_copy(names), list_length(names) - 1);
        lock_named(makeRangeVarFromNameList(table), AccessShareLock);
    }
}

} // namespace

void lock_target(DdlCommand *command) {
    Node *node = command->node;
    AcceptInvalidationMessages();
    switch (nodeTag(node)) {
    case T_AlterTableStmt:
        lock_altered(command);
        break;
    case T_IndexStmt:
        lock_indexed(command);
        break;
    case T_RenameStmt:
        lock_renamed(command);
        break;
    case T_DropStmt:
        lock_types_of_casts(castNode(DropStmt, node));
        lock_dropped(castNode(DropStmt, node));
        break;
    case T_AlterObjectSchemaStmt:
        lock_moved_to_schema(command);
        break;
    case T_AlterEnumStmt:
        if (castNode(AlterEnumStmt, node)->oldVal != nullptr) {
            lock_free_object(node);
        }
        break;
    case T_CreatePolicyStmt:
        command->relation = lock_named(castNode(CreatePolicyStmt, node)->table, AccessExclusiveLock);
        break;
    case T_AlterPolicyStmt:
        command->relation = lock_named(castNode(AlterPolicyStmt, node)->table, AccessExclusiveLock);
        break;
    case T_RuleStmt:
        command->relation = lock_named(castNode(RuleStmt, node)->relation, AccessExclusiveLock);
        break;
    case T_CreateTrigStmt:
        command->relation =
            lock_named(castNode(CreateTrigStmt, node)->relation, ShareRowExclusiveLock, may_add_trigger);
        break;
    case T_AlterObjectDependsStmt:
        command->relation = lock_named(castNode(AlterObjectDependsStmt, node)->relation, AccessShareLock);
        break;
    case T_CommentStmt:
        lock_commented(castNode(CommentStmt, node));
        break;
    default:
        break;
    }
}

} // namespace softdelete::ddl
