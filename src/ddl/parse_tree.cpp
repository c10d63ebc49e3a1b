// Reads the parse trees of DDL for the other files of this folder. Looks at nothing but the tree and, for a name, the
// catalog.
#include "ddl/parse_tree.hpp"

#include "pg/quote.hpp"

extern "C" {
#include "catalog/namespace.h"
}

namespace softdelete::ddl {

const CreateStmt *get_create(const Node *node) {
    bool creates = IsA(node, CreateStmt) || IsA(node, CreateForeignTableStmt);
    return creates ? reinterpret_cast<const CreateStmt *>(node) : nullptr;
}

namespace {

const RangeVar *get_name(Node *node) {
    switch (nodeTag(node)) {
    case T_AlterTableStmt:
        return castNode(AlterTableStmt, node)->relation;
    case T_CreateStmt:
    case T_CreateForeignTableStmt: // begins with a CreateStmt
        return get_create(node)->relation;
    case T_IndexStmt:
        return castNode(IndexStmt, node)->relation;
    case T_RenameStmt:
        return castNode(RenameStmt, node)->relation;
    case T_AlterObjectSchemaStmt:
        return castNode(AlterObjectSchemaStmt, node)->relation;
    case T_AlterObjectDependsStmt:
        return castNode(AlterObjectDependsStmt, node)->relation;
    case T_CreateTrigStmt:
        return castNode(CreateTrigStmt, node)->relation;
    case T_CreatePolicyStmt:
        return castNode(CreatePolicyStmt, node)->table;
    case T_AlterPolicyStmt:
        return castNode(AlterPolicyStmt, node)->table;
    case T_RuleStmt:
        return castNode(RuleStmt, node)->relation;
    case T_ViewStmt:
        return castNode(ViewStmt, node)->view;
    default:
        return nullptr;
    }
}

} // namespace

DdlCommand read_command(Node *node) {
    return {node, find_relation(get_name(node))};
}

Oid find_relation(const RangeVar *name) {
    return name == nullptr ? InvalidOid : RangeVarGetRelid(name, NoLock, true);
}

bool renames_column(const Node *node) {
    if (!IsA(node, RenameStmt)) {
        return false;
    }
    ObjectType type = castNode(RenameStmt, const_cast<Node *>(node))->renameType;
    return type == OBJECT_COLUMN || type == OBJECT_ATTRIBUTE;
}

bool is_move(const AlterTableCmd *command) {
    switch (command->subtype) {
    case AT_AttachPartition:
    case AT_DetachPartition:
    case AT_DetachPartitionFinalize:
    case AT_AddInherit:
    case AT_DropInherit:
        return true;
    default:
        return false;
    }
}

const Constraint *get_added_key(const AlterTableCmd *command) {
    if (command->subtype != AT_AddConstraint) {
        return nullptr;
    }
    const Constraint *constraint = castNode(Constraint, command->def);
    return constraint->contype == CONSTR_FOREIGN ? constraint : nullptr;
}

std::string join_columns(const List *names) {
    std::string columns;
    ListCell *cell;
    foreach (cell, names) {
        columns += (columns.empty() ? "" : ", ") + pg::quote_identifier(strVal(lfirst(cell)));
    }
    return columns;
}

} // namespace softdelete::ddl
