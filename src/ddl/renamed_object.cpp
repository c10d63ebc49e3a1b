// Reads the parse trees, and the tags, of RENAME, SET SCHEMA, RENAME VALUE and DROP for ddl/follow_anonymizers.
#include "ddl/renamed_object.hpp"

#include "pg/compat_owners.hpp"
#include "pg/named_objects.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "parser/parse_oper.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

#include <cctype>
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

Oid find_type(Node *names) {
    return LookupTypeNameOid(nullptr, makeTypeNameFromNameList(castNode(List, names)), true);
}

// As get_object_address() in src/backend/catalog/objectaddress.c, which locks.
ObjectAddress find_object(ObjectType type, Node *object) {
    switch (type) {
    case OBJECT_FUNCTION:
    case OBJECT_PROCEDURE:
    case OBJECT_ROUTINE:
    case OBJECT_AGGREGATE:
        return {ProcedureRelationId, LookupFuncWithArgs(type, castNode(ObjectWithArgs, object), true), 0};
    case OBJECT_OPERATOR:
        return {OperatorRelationId, LookupOperWithArgs(castNode(ObjectWithArgs, object), true), 0};
    case OBJECT_TYPE:
    case OBJECT_DOMAIN:
        return {TypeRelationId, find_type(object), 0};
    case OBJECT_COLLATION:
        return {CollationRelationId, get_collation_oid(castNode(List, object), true), 0};
    case OBJECT_TSCONFIGURATION:
        return {TSConfigRelationId, get_ts_config_oid(castNode(List, object), true), 0};
    case OBJECT_TSDICTIONARY:
        return {TSDictionaryRelationId, get_ts_dict_oid(castNode(List, object), true), 0};
    case OBJECT_EXTENSION:
        return {ExtensionRelationId, get_extension_oid(strVal(object), true), 0};
    default:
        return InvalidObjectAddress;
    }
}

ObjectAddress find_renamed_object(const RenameStmt *rename) {
    if (rename->relation != nullptr) {
        return {RelationRelationId, find_relation(rename->relation), 0};
    }
    return rename->renameType == OBJECT_SCHEMA
               ? ObjectAddress{NamespaceRelationId, get_namespace_oid(rename->subname, true), 0}
               : find_object(rename->renameType, rename->object);
}

ObjectAddress find_moved_object(const AlterObjectSchemaStmt *move) {
    return move->relation != nullptr ? ObjectAddress{RelationRelationId, find_relation(move->relation), 0}
                                     : find_object(move->objectType, move->object);
}

AttrNumber count_columns(Oid relation) {
    HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
    if (!HeapTupleIsValid(row)) {
        return 0;
    }
    AttrNumber count = reinterpret_cast<Form_pg_class>(GETSTRUCT(row))->relnatts;
    ReleaseSysCache(row);
    return count;
}

void add_referenced(const Constraint *constraint, List **tables) {
    if (constraint->contype == CONSTR_FOREIGN && constraint->pktable != nullptr) {
        *tables = list_append_unique_oid(*tables, find_relation(constraint->pktable));
    }
}

} // namespace

bool renames(const Node *statement) {
    return IsA(statement, RenameStmt) || IsA(statement, AlterObjectSchemaStmt);
}

bool renames_part(const Node *statement) {
    return IsA(statement, AlterEnumStmt) || renames_column(statement);
}

List *find_own_types_of_casts(const Node *statement) {
    const auto *drop = reinterpret_cast<const DropStmt *>(statement);
    if (!IsA(statement, DropStmt) || drop->removeType != OBJECT_CAST) {
        return NIL;
    }
    List *types = NIL;
    ListCell *cast;
    foreach (cast, drop->objects) {
        ListCell *cell;
        foreach (cell, lfirst_node(List, cast)) {
            Oid type = LookupTypeNameOid(nullptr, lfirst_node(TypeName, cell), true);
            if (OidIsValid(type) && pg::compat::owns_object({TypeRelationId, type, 0}, GetUserId())) {
                types = list_append_unique_oid(types, type);
            }
        }
    }
    return types;
}

const char *find_exact_name(const ObjectAddress &object) {
    if (!OidIsValid(object.objectId) || object.classId == ExtensionRelationId) {
        return "";
    }
    const char *identity = getObjectIdentity(&object, true);
    return identity == nullptr ? "" : pstrdup(pg::make_exact_identity("", identity).c_str() + 1);
}

bool names(const std::string &objects, const char *exact_name) {
    const auto is_of_name = [](char c) {
        return isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '"'
               || static_cast<signed char>(c) < 0;
    };
    const std::size_t length = strlen(exact_name);
    for (std::size_t at = objects.find(exact_name); at != std::string::npos;
         at = objects.find(exact_name, at + 1)) {
        if (length == 0
            || ((at == 0 || !(is_of_name(objects[at - 1]) || objects[at - 1] == '.'))
                && (at + length == objects.size() || !is_of_name(objects[at + length])))) {
            return true;
        }
    }
    return false;
}

bool may_use_type(const std::string &objects, Oid relation, const List *types) {
    for (int i = 0; i < list_length(types); i++) {
        Oid type = list_nth_oid(types, i);
        if (names(objects, find_exact_name({TypeRelationId, type, 0}))) {
            return true;
        }
        for (AttrNumber column = 1; column <= count_columns(relation); column++) {
            if (get_atttype(relation, column) == type) {
                return true;
            }
        }
    }
    return false;
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

ObjectAddress find_renamed_object(const Node *statement) {
    Node *node = const_cast<Node *>(statement);
    switch (nodeTag(node)) {
    case T_RenameStmt:
        return find_renamed_object(castNode(RenameStmt, node));
    case T_AlterObjectSchemaStmt:
        return find_moved_object(castNode(AlterObjectSchemaStmt, node));
    case T_AlterEnumStmt:
        return {TypeRelationId, find_type(reinterpret_cast<Node *>(castNode(AlterEnumStmt, node)->typeName)),
                0};
    default:
        return InvalidObjectAddress;
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
