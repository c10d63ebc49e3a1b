// The library finds the extension's objects by their names. What becomes of all of them at once, as by REASSIGN OWNED,
// it follows. Histories and archives it keeps itself: ddl/follow_history and ddl/follow_archive see to their shape.
#include "ddl/refuse_own_change.hpp"

#include "model/trigger_names.hpp"
#include "pg/compat.hpp"
#include "pg/scopes.hpp"
#include "registry/history_scan.hpp"
#include "registry/registry_scan.hpp"
#include "session/extension_functions.hpp"
#include "session/registered_table.hpp"

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
        || !has_privs_of_role(GetUserId(), pg::find_extension_owner())) {
        return; // to others the command itself says that they may not
    }
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("cannot %s an object of extension \"softdelete\"", change.action),
                    errdetail("softdelete finds its schemas, tables and functions by their names."),
                    errhint("Leave the object as it is. DROP EXTENSION softdelete removes all of them.")));
}

namespace {

// What of a command would keep rows back in a history or an archive, or lose them, as a message; null for nothing.
const char *get_kept_change(Node *node) {
    if (IsA(node, CreateTrigStmt)) {
        Oid function = LookupFuncName(castNode(CreateTrigStmt, node)->funcname, 0, nullptr, true);
        return session::is_trigger_function(function) ? nullptr : "cannot create a trigger on table \"%s\"";
    }
    if (IsA(node, RuleStmt)) {
        return "cannot create a rule on table \"%s\"";
    }
    ListCell *cell;
    foreach (cell, IsA(node, AlterTableStmt) ? castNode(AlterTableStmt, node)->cmds : NIL) {
        if (lfirst_node(AlterTableCmd, cell)->subtype == AT_SetUnLogged) {
            return "cannot make table \"%s\" unlogged";
        }
    }
    return nullptr;
}

} // namespace

void refuse_kept_change(const DdlCommand &command) {
    Oid relation = command.relation;
    const char *change =
        OidIsValid(relation) && session::has_own_trigger(relation) ? get_kept_change(command.node) : nullptr;
    if (change == nullptr || !registry::is_kept_table(relation)
        || !pg::compat::owns_relation(relation, GetUserId())) {
        return; // to others the command itself says that they may not
    }
    Oid history = registry::find_history_of_member(relation);
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg(change, get_rel_name(relation)),
                    errdetail("It is %s, or a part of one, which softdelete keeps.",
                              OidIsValid(history) ? "a history" : "an archive"),
                    errhint("A trigger on the table itself sees the changes of its rows.")));
}

void refuse_kept_partition(const DdlCommand &command) {
    const CreateStmt *create = get_create(command.node);
    Oid parent = create != nullptr && create->partbound != nullptr && create->inhRelations != NIL
                     ? find_relation(linitial_node(RangeVar, create->inhRelations))
                     : InvalidOid;
    if (!OidIsValid(parent) || !session::has_own_trigger(parent) || !registry::is_kept_table(parent)) {
        return;
    }
    bool is_history = OidIsValid(registry::find_history_of_member(parent));
    ereport(
        ERROR,
        (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
         errmsg("cannot create a partition of table \"%s\"", get_rel_name(parent)),
         errdetail("It is %s, or a part of one, which softdelete keeps.",
                   is_history ? "a history" : "an archive"),
         errhint("softdelete makes the partitions that are needed, and removes those whose rows are due.")));
}

namespace {

// Rows that are marked and rows that are moved away cannot be one table's.
void refuse_marked_partition(Oid attached, Oid table) {
    if (session::is_registered_table(attached) && session::has_trigger(table, model::archive_trigger)) {
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("cannot attach table \"%s\", which marks its deleted rows, to table \"%s\", which "
                        "has an archive",
                        get_rel_name(attached), get_rel_name(table)),
                 errdetail("A partition has the strategy of the partitioned table."),
                 errhint("Unregister it with softdelete.unregister() first.")));
    }
}

} // namespace

void refuse_attachment(const DdlCommand &command) {
    ListCell *cell;
    foreach (cell, IsA(command.node, AlterTableStmt) ? castNode(AlterTableStmt, command.node)->cmds : NIL) {
        const auto *part = lfirst_node(AlterTableCmd, cell);
        Oid attached = part->subtype == AT_AttachPartition
                           ? find_relation(castNode(PartitionCmd, part->def)->name)
                           : InvalidOid;
        registry::TrackedRow tracked = {};
        if (!OidIsValid(attached) || !session::has_own_trigger(attached)
            || !pg::compat::owns_relation(attached, GetUserId())) {
            continue; // to others the command itself says that they may not
        }
        refuse_marked_partition(attached, command.relation);
        bool has_archive = registry::has_row_of("archive", "archive_pkey", attached);
        if (has_archive || registry::find_tracked_row(attached, &tracked)) {
            ereport(ERROR,
                    (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                     errmsg("cannot attach table \"%s\", which has %s of its own", get_rel_name(attached),
                            has_archive ? "an archive" : "a history"),
                     errdetail("A partition has that of the partitioned table."),
                     has_archive ? errhint("Unregister it with softdelete.unregister(), deleted_rows => "
                                           "'keep', and register the partitioned table.")
                                 : errhint("End its history with softdelete.untrack_history(), and "
                                           "begin one of the partitioned table.")));
        }
    }
}

} // namespace softdelete::ddl
