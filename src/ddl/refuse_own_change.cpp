// The library finds the extension's objects by their names. What becomes of all of them at once, as by REASSIGN OWNED,
// it follows.
#include "ddl/refuse_own_change.hpp"

#include "pg/scopes.hpp"

extern "C" {
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
}

namespace softdelete::ddl {

namespace {

// What a command would do, and to what.
struct OwnChange {
    const char *action; // null where it does no such thing
    ObjectType type;
    Oid relation; // as the command names it
    Node *object; // where it names no relation
    const char *schema;
};

bool changes_owner(const AlterTableStmt *alter) {
    ListCell *cell;
    foreach (cell, alter->cmds) {
        if (lfirst_node(AlterTableCmd, cell)->subtype == AT_ChangeOwner) {
            return true;
        }
    }
    return false;
}

OwnChange read_change(const DdlCommand &command) {
    Node *node = command.node;
    if (IsA(node, RenameStmt)) {
        const RenameStmt *rename = castNode(RenameStmt, node);
        return {"rename", rename->renameType, command.relation, rename->object, rename->subname};
    }
    if (IsA(node, AlterObjectSchemaStmt)) {
        const AlterObjectSchemaStmt *move = castNode(AlterObjectSchemaStmt, node);
        return {"move", move->objectType, command.relation, move->object, nullptr};
    }
    if (IsA(node, AlterOwnerStmt)) {
        const AlterOwnerStmt *give = castNode(AlterOwnerStmt, node);
        const char *schema = give->objectType == OBJECT_SCHEMA ? strVal(give->object) : nullptr;
        return {"change the owner of", give->objectType, InvalidOid, give->object, schema};
    }
    if (IsA(node, AlterTableStmt) && changes_owner(castNode(AlterTableStmt, node))) {
        return {"change the owner of", castNode(AlterTableStmt, node)->objtype, command.relation, nullptr,
                nullptr};
    }
    return {};
}

bool is_member(Oid catalog, Oid object) {
    return OidIsValid(object)
           && getExtensionOfObject(catalog, object) == get_extension_oid("softdelete", true);
}

// An index goes with its table.
bool is_own_relation(Oid relation) {
    char kind = get_rel_relkind(relation);
    bool is_index = kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX;
    return is_member(RelationRelationId, is_index ? IndexGetRelation(relation, true) : relation);
}

bool is_own(const OwnChange &change) {
    if (OidIsValid(change.relation)) {
        return is_own_relation(change.relation);
    }
    switch (change.type) {
    case OBJECT_SCHEMA:
        return is_member(NamespaceRelationId, get_namespace_oid(change.schema, true));
    case OBJECT_FUNCTION:
    case OBJECT_PROCEDURE:
    case OBJECT_ROUTINE:
        return is_member(ProcedureRelationId,
                         LookupFuncWithArgs(OBJECT_ROUTINE, castNode(ObjectWithArgs, change.object), true));
    default:
        return false;
    }
}

} // namespace

void refuse_own_change(const DdlCommand &command) {
    OwnChange change = read_change(command);
    if (change.action == nullptr || creating_extension || !is_own(change)
        || !has_privs_of_role(GetUserId(), pg::get_extension_owner())) {
        return; // to others the command itself says that they may not
    }
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("cannot %s an object of extension \"softdelete\"", change.action),
                    errdetail("softdelete finds its schemas, tables and functions by their names."),
                    errhint("Leave the object as it is. DROP EXTENSION softdelete removes all of them.")));
}

} // namespace softdelete::ddl
