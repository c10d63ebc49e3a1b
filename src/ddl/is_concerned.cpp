// Says whether a command concerns softdelete at all, so that DDL on other tables costs next to nothing. Event triggers
// ask first and then look closer. pg_class tells whether a table has triggers for the price of a look into the system
// cache; the relation cache would build an entry that the command has no use for.
#include "ddl/is_concerned.hpp"
#include "model/trigger_names.hpp"

#include "catalog/link_names.hpp"
#include "ddl/follow_triggers.hpp"
#include "ddl/parse_tree.hpp"
#include "ddl/warn_delete_triggers.hpp"
#include "pg/dropped_objects.hpp"
#include "pg/relation_cache.hpp"
#include "registry/registry_scan.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_trigger.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
}

#include <cstring>

namespace softdelete::ddl {

namespace {

Reach get_reach(const AlterTableStmt *alter) {
    switch (alter->objtype) {
    case OBJECT_TABLE:
    case OBJECT_INDEX:
    case OBJECT_VIEW:
    case OBJECT_TYPE:
        return Reach::tables;
    case OBJECT_SEQUENCE:
        return Reach::own_objects;
    default:
        return Reach::nothing;
    }
}

Reach get_reach(const RenameStmt *rename) {
    switch (rename->renameType) {
    case OBJECT_TABLE:
    case OBJECT_INDEX:
    case OBJECT_VIEW:
    case OBJECT_COLUMN:
    case OBJECT_TABCONSTRAINT:
    case OBJECT_TRIGGER:
    case OBJECT_POLICY:
    case OBJECT_ATTRIBUTE:
        return Reach::tables;
    default:
        return Reach::own_objects;
    }
}

Reach get_reach(const DropStmt *drop) {
    switch (drop->removeType) {
    case OBJECT_TABLE:
    case OBJECT_INDEX:
    case OBJECT_VIEW:
    case OBJECT_TRIGGER:
        return Reach::tables;
    default:
        return Reach::held_rows;
    }
}

// ALTER TABLE takes views as well.
bool is_view(Oid relation) {
    return OidIsValid(relation) && get_rel_relkind(relation) == RELKIND_VIEW;
}

// Tables that come under others, or leave them: the other one is named in the command.
bool moves_table(const AlterTableStmt *alter) {
    ListCell *cell;
    foreach (cell, alter->cmds) {
        if (is_move(lfirst_node(AlterTableCmd, cell))) {
            return true;
        }
    }
    return false;
}

bool drops_own(const DropStmt *drop) {
    if (drop->removeType != OBJECT_TABLE) {
        return drop->removeType == OBJECT_VIEW || drop->removeType == OBJECT_INDEX;
    }
    ListCell *cell;
    foreach (cell, drop->objects) {
        if (session::has_own_trigger(find_relation(makeRangeVarFromNameList(lfirst_node(List, cell))))) {
            return true;
        }
    }
    return false;
}

bool is(const pg::DroppedObject *object, const char *type) {
    return strcmp(object->type, type) == 0;
}

// The table that the object belonged to; InvalidOid where that is gone as well.
Oid find_table(const pg::DroppedObject *object) {
    Oid schema = object->names[0] == nullptr ? InvalidOid : get_namespace_oid(object->names[0], true);
    return OidIsValid(schema) && object->names[1] != nullptr ? get_relname_relid(object->names[1], schema)
                                                             : InvalidOid;
}

void look_at_relation(const pg::DroppedObject *object, DropConcern *concern) {
    if (is(object, "view")) {
        concern->parts = concern->parts || !object->is_original;
    } else if (is(object, "index")) {
        concern->registry = concern->registry || registry::has_converted_index(object->names[1]);
    } else if (is(object, "table")) {
        concern->registry =
            concern->registry || registry::has_row_of("registration", "registration_pkey", object->object_id)
            || registry::has_row_of("converted_index", "converted_index_pkey", object->object_id)
            || registry::has_row_of("secured_table", "secured_table_pkey", object->object_id);
        concern->holds = concern->holds || registry::has_hold(object->object_id);
    }
}

// The trigger itself is gone, but a table of ours has several.
void look_at_part(const pg::DroppedObject *object, DropConcern *concern) {
    if (is(object, "trigger") || is(object, "table column")) {
        concern->parts = concern->parts || session::has_own_trigger(find_table(object));
    } else if (is(object, "policy")) {
        concern->policies =
            concern->policies
            || registry::has_row_of("secured_table", "secured_table_pkey", find_table(object));
    } else if (is(object, "table constraint") && object->names[2] != nullptr) {
        for (const char *prefix : {model::children_check_prefix, model::parent_check_prefix}) {
            const char *trigger = catalog::make_link_name(prefix, object->names[2]);
            concern->keys = concern->keys || registry::has_constraint_trigger(trigger);
        }
    }
}

} // namespace

Reach get_reach(const Node *statement) {
    Node *node = const_cast<Node *>(statement);
    switch (nodeTag(node)) {
    case T_AlterTableStmt:
        return get_reach(castNode(AlterTableStmt, node));
    case T_RenameStmt:
        return get_reach(castNode(RenameStmt, node));
    case T_DropStmt:
        return get_reach(castNode(DropStmt, node));
    case T_AlterObjectSchemaStmt:
        return castNode(AlterObjectSchemaStmt, node)->relation == nullptr ? Reach::own_objects
                                                                          : Reach::tables;
    case T_AlterOwnerStmt:
    case T_AlterExtensionStmt: // an update may drop what rules name
        return Reach::own_objects;
    case T_DropOwnedStmt:
    case T_AlterEnumStmt:
        return Reach::held_rows;
    case T_AlterObjectDependsStmt:
    case T_IndexStmt:
    case T_CommentStmt:
    case T_CreatePolicyStmt:
    case T_AlterPolicyStmt:
    case T_CreateTrigStmt:
    case T_RuleStmt:
    case T_AlterExtensionContentsStmt:
    case T_AlterDomainStmt:
        return Reach::tables;
    default:
        return Reach::nothing;
    }
}

// Foreign keys have triggers on both of their tables.
bool references_registered(Oid relation_id) {
    if (!session::has_triggers(relation_id)) {
        return false;
    }
    Relation relation = RelationIdGetRelation(relation_id);
    bool found = false;
    ListCell *cell;
    foreach (cell, relation == nullptr ? NIL : pg::copy_foreign_keys(relation)) {
        found = found
                || session::is_registered_table(
                    static_cast<const ForeignKeyCacheInfo *>(lfirst(cell))->confrelid);
    }
    if (relation != nullptr) {
        RelationClose(relation);
    }
    return found;
}

bool concerns_before(const DdlCommand &command) {
    const Node *statement = command.node;
    if (IsA(statement, AlterTableStmt)) {
        const AlterTableStmt *alter = castNode(AlterTableStmt, const_cast<Node *>(statement));
        return alter->objtype != OBJECT_TABLE || moves_table(alter)
               || session::has_own_trigger(command.relation) || is_view(command.relation);
    }
    if (IsA(statement, IndexStmt)) {
        return session::has_own_trigger(command.relation);
    }
    if (IsA(statement, DropStmt)) {
        return drops_own(castNode(DropStmt, const_cast<Node *>(statement)));
    }
    if (IsA(statement, CommentStmt)) {
        const ObjectType type = castNode(CommentStmt, const_cast<Node *>(statement))->objtype;
        return type == OBJECT_TABCONSTRAINT || type == OBJECT_COLUMN;
    }
    return get_reach(statement) == Reach::tables;
}

bool concerns_after(const DdlCommand &command) {
    const Node *statement = command.node;
    if (IsA(statement, AlterDomainStmt)) {
        return false;
    }
    if (IsA(statement, AlterTableStmt)) {
        return concerns_before(command) || references_registered(command.relation);
    }
    if (const CreateStmt *create = get_create(statement)) {
        return create->inhRelations != NIL || references_registered(command.relation);
    }
    if (IsA(statement, RuleStmt)) {
        return session::has_own_trigger(command.relation);
    }
    if (IsA(statement, CreateTrigStmt)) {
        return (creates_delete_trigger(command) || creates_changing_trigger(command))
               && session::has_own_trigger(command.relation);
    }
    if (IsA(statement, ViewStmt)) {
        return castNode(ViewStmt, const_cast<Node *>(statement))->replace;
    }
    return concerns_before(command);
}

// Without CASCADE, ALTER TABLE drops parts of its own table only.
bool may_drop_own(const DdlCommand &command) {
    const Node *statement = command.node;
    if (!IsA(statement, AlterTableStmt)) {
        return true;
    }
    const AlterTableStmt *alter = castNode(AlterTableStmt, const_cast<Node *>(statement));
    ListCell *cell;
    foreach (cell, alter->cmds) {
        if (lfirst_node(AlterTableCmd, cell)->behavior == DROP_CASCADE) {
            return true;
        }
    }
    return concerns_before(command);
}

bool has_dropped_parts() {
    ListCell *cell;
    foreach (cell, pg::get_dropped_objects()) {
        Oid catalog = static_cast<const pg::DroppedObject *>(lfirst(cell))->class_id;
        if (catalog == RelationRelationId || catalog == ConstraintRelationId || catalog == TriggerRelationId
            || catalog == PolicyRelationId) {
            return true;
        }
    }
    return false;
}

DropConcern get_drop_concern() {
    DropConcern concern = {};
    ListCell *cell;
    foreach (cell, pg::get_dropped_objects()) {
        const auto *object = static_cast<const pg::DroppedObject *>(lfirst(cell));
        if (object->class_id == RelationRelationId && object->column == 0) {
            look_at_relation(object, &concern);
        } else {
            look_at_part(object, &concern);
        }
    }
    return concern;
}

} // namespace softdelete::ddl
