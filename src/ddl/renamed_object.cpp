// Reads the parse trees, and the tags, of RENAME, SET SCHEMA, RENAME VALUE and DROP for ddl/follow_anonymizers.
#include "ddl/renamed_object.hpp"

extern "C" {
#include "nodes/value.h"
#include "utils/builtins.h"
}

#include <cstring>

namespace softdelete::ddl {

namespace {

// An object's name is a list of strings, a string, a type, or a function with its arguments.
const char *get_last_name(Node *object) {
    if (object == nullptr) {
        return nullptr;
    }
    switch (nodeTag(object)) {
    case T_ObjectWithArgs:
        return strVal(llast(castNode(ObjectWithArgs, object)->objname));
    case T_TypeName:
        return strVal(llast(castNode(TypeName, object)->names));
    case T_String:
        return strVal(object);
    case T_List:
        return IsA(llast(castNode(List, object)), String) ? strVal(llast(castNode(List, object))) : nullptr;
    default:
        return nullptr;
    }
}

const char *find_renamed(const RenameStmt *rename) {
    switch (rename->renameType) {
    case OBJECT_COLUMN:
    case OBJECT_ATTRIBUTE:
    case OBJECT_SCHEMA:
        return rename->subname;
    case OBJECT_TABLE:
    case OBJECT_FOREIGN_TABLE:
    case OBJECT_VIEW:
    case OBJECT_MATVIEW:
    case OBJECT_SEQUENCE:
    case OBJECT_INDEX:
        return rename->relation->relname;
    case OBJECT_FUNCTION:
    case OBJECT_PROCEDURE:
    case OBJECT_ROUTINE:
    case OBJECT_AGGREGATE:
    case OBJECT_TYPE:
    case OBJECT_DOMAIN:
    case OBJECT_COLLATION:
    case OBJECT_TSCONFIGURATION:
    case OBJECT_TSDICTIONARY:
        return get_last_name(rename->object);
    default:
        return nullptr;
    }
}

const char *find_moved(const AlterObjectSchemaStmt *move) {
    if (move->objectType == OBJECT_EXTENSION) { // with all that is a part of it
        return "";
    }
    return move->relation != nullptr ? move->relation->relname : get_last_name(move->object);
}

const char *find_name(Node *node) {
    switch (nodeTag(node)) {
    case T_RenameStmt:
        return find_renamed(castNode(RenameStmt, node));
    case T_AlterObjectSchemaStmt:
        return find_moved(castNode(AlterObjectSchemaStmt, node));
    case T_AlterEnumStmt:
        return castNode(AlterEnumStmt, node)->oldVal;
    default:
        return nullptr;
    }
}

// A name up to its first quote: quotes are doubled where an expression names it.
char *get_plain_start(const char *name) {
    char *start = pstrdup(name);
    start[strcspn(start, "'\"\\")] = '\0';
    return start;
}

// Others are tables, or parts of one.
bool drops_free_object(ObjectType type) {
    switch (type) {
    case OBJECT_FUNCTION:
    case OBJECT_PROCEDURE:
    case OBJECT_ROUTINE:
    case OBJECT_AGGREGATE:
    case OBJECT_OPERATOR:
    case OBJECT_CAST:
    case OBJECT_TYPE:
    case OBJECT_DOMAIN:
    case OBJECT_COLLATION:
    case OBJECT_TSCONFIGURATION:
    case OBJECT_TSDICTIONARY:
    case OBJECT_SCHEMA:
    case OBJECT_EXTENSION:
        return true;
    default:
        return false;
    }
}

void add_referenced(const Constraint *constraint, List **tables) {
    if (constraint->contype == CONSTR_FOREIGN && constraint->pktable != nullptr) {
        *tables = list_append_unique_oid(*tables, find_relation(constraint->pktable));
    }
}

} // namespace

bool renames_part(const Node *statement) {
    return IsA(statement, AlterEnumStmt) || renames_column(statement);
}

bool drops_casts(const Node *statement) {
    return IsA(statement, DropStmt)
           && castNode(DropStmt, const_cast<Node *>(statement))->removeType == OBJECT_CAST;
}

bool cascades(const Node *statement) {
    Node *node = const_cast<Node *>(statement);
    ListCell *cell;
    switch (nodeTag(node)) {
    case T_DropStmt:
        return castNode(DropStmt, node)->behavior == DROP_CASCADE;
    case T_DropOwnedStmt:
        return castNode(DropOwnedStmt, node)->behavior == DROP_CASCADE;
    case T_AlterTableStmt:
        foreach (cell, castNode(AlterTableStmt, node)->cmds) {
            if (lfirst_node(AlterTableCmd, cell)->behavior == DROP_CASCADE) {
                return true;
            }
        }
        return false;
    default:
        return false;
    }
}

bool changes_free_name(const Node *statement) {
    Node *node = const_cast<Node *>(statement);
    switch (nodeTag(node)) {
    case T_RenameStmt:
        return castNode(RenameStmt, node)->relation == nullptr && find_former_name(statement) != nullptr;
    case T_AlterObjectSchemaStmt:
        return castNode(AlterObjectSchemaStmt, node)->relation == nullptr;
    case T_AlterEnumStmt:
        return castNode(AlterEnumStmt, node)->oldVal != nullptr;
    case T_DropStmt:
        return drops_free_object(castNode(DropStmt, node)->removeType);
    default:
        return false;
    }
}

List *find_newly_referenced(const Node *statement) {
    if (!IsA(statement, AlterTableStmt)) {
        return NIL;
    }
    List *tables = NIL;
    ListCell *cell;
    foreach (cell, castNode(AlterTableStmt, const_cast<Node *>(statement))->cmds) {
        const auto *command = lfirst_node(AlterTableCmd, cell);
        if (const Constraint *key = get_added_key(command)) {
            add_referenced(key, &tables);
        } else if (command->subtype == AT_AddColumn) {
            ListCell *constraint;
            foreach (constraint, castNode(ColumnDef, command->def)->constraints) {
                add_referenced(lfirst_node(Constraint, constraint), &tables);
            }
        }
    }
    return list_delete_oid(tables, InvalidOid);
}

bool concerns_rules_alone(CommandTag tag) {
    switch (tag) {
    case CMDTAG_ALTER_FUNCTION:
    case CMDTAG_ALTER_PROCEDURE:
    case CMDTAG_ALTER_ROUTINE:
    case CMDTAG_ALTER_AGGREGATE:
    case CMDTAG_ALTER_OPERATOR:
    case CMDTAG_ALTER_COLLATION:
    case CMDTAG_ALTER_TEXT_SEARCH_CONFIGURATION:
    case CMDTAG_ALTER_TEXT_SEARCH_DICTIONARY:
    case CMDTAG_ALTER_SCHEMA:
    case CMDTAG_ALTER_EXTENSION:
    case CMDTAG_ALTER_VIEW:
    case CMDTAG_ALTER_MATERIALIZED_VIEW:
    case CMDTAG_ALTER_SEQUENCE:
    case CMDTAG_ALTER_INDEX:
        return true;
    default:
        return false;
    }
}

const char *find_former_name(const Node *statement) {
    const char *name = find_name(const_cast<Node *>(statement));
    return name == nullptr ? nullptr : get_plain_start(name);
}

} // namespace softdelete::ddl
