// Reads the parse trees, and the tags, of RENAME, SET SCHEMA and RENAME VALUE for ddl/follow_anonymizers. Looks up nothing.
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

} // namespace

const char *get_plain_start(const char *name) {
    char *start = pstrdup(name);
    start[strcspn(start, "'\"\\")] = '\0';
    return start;
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
