// Lets the server find out: it records what an expression depends on, for an object that does not exist, and that is read.
#include "pg/named_objects.hpp"

#include "pg/scopes.hpp"
#include "pg/transactions.hpp"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
}

#include <algorithm>
#include <string_view>
#include <tuple>

namespace softdelete::pg {

namespace {

// No object has this class.
constexpr ObjectAddress depender = {DependRelationId, InvalidOid, 0};

bool is_same(const ObjectAddress &one, const ObjectAddress &other) {
    return one.classId == other.classId && one.objectId == other.objectId
           && one.objectSubId == other.objectSubId;
}

// objects: a list of ObjectAddresses, each once.
void add(List **objects, Oid class_id, Oid object_id, int sub_id = 0) {
    if (!OidIsValid(object_id) || IsPinnedObject(class_id, object_id)) {
        return;
    }
    const ObjectAddress object = {class_id, object_id, sub_id};
    ListCell *cell;
    foreach (cell, *objects) {
        if (is_same(*static_cast<const ObjectAddress *>(lfirst(cell)), object)) {
            return;
        }
    }
    auto *added = static_cast<ObjectAddress *>(palloc(sizeof(ObjectAddress)));
    *added = object;
    *objects = lappend(*objects, added);
}

// Of a part its whole as well, which may be dropped with all its parts.
void add_dependency(const FormData_pg_depend *dependency, Oid relation, List **objects) {
    if (dependency->refclassid == RelationRelationId && dependency->refobjid == relation) {
        return;
    }
    add(objects, dependency->refclassid, dependency->refobjid, dependency->refobjsubid);
    add(objects, dependency->refclassid, dependency->refobjid);
}

List *read_dependencies(Oid relation) {
    ScanKeyData keys[2];
    ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(depender.classId));
    ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(depender.objectId));
    Relation dependencies = table_open(DependRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(dependencies, DependDependerIndexId, true, nullptr, 2, keys);
    List *objects = NIL;
    for (HeapTuple row = systable_getnext(scan); HeapTupleIsValid(row); row = systable_getnext(scan)) {
        add_dependency(reinterpret_cast<Form_pg_depend>(GETSTRUCT(row)), relation, &objects);
    }
    systable_endscan(scan);
    table_close(dependencies, AccessShareLock);
    return objects;
}

// What the expression depends on besides its own relation.
List *find_dependencies(Oid relation, Node *tree) {
    List *objects = NIL;
    Subtransaction rolled_back;
    call([&] {
        recordDependencyOnSingleRelExpr(&depender, tree, relation, DEPENDENCY_NORMAL, DEPENDENCY_NORMAL,
                                        false);
        CommandCounterIncrement();
        objects = read_dependencies(relation);
    });
    return objects;
}

// Arrays and row types are renamed with what they are made of.
void add_type(List **objects, Oid type) {
    add(objects, TypeRelationId, type);
    if (OidIsValid(type)) {
        add(objects, TypeRelationId, get_element_type(type));
        add(objects, RelationRelationId, get_typ_typrelid(type));
    }
}

void add_function_types(List **objects, Oid function) {
    Oid *arguments = nullptr;
    int count = 0;
    add_type(objects, get_func_signature(function, &arguments, &count));
    for (int i = 0; i < count; i++) {
        add_type(objects, arguments[i]);
    }
}

void add_types(List **objects, const ObjectAddress &object) {
    Oid left = InvalidOid;
    Oid right = InvalidOid;
    switch (object.classId) {
    case RelationRelationId:
        add_type(objects, get_rel_type_id(object.objectId));
        break;
    case ProcedureRelationId:
        add_function_types(objects, object.objectId);
        break;
    case OperatorRelationId:
        op_input_types(object.objectId, &left, &right);
        add_type(objects, left);
        add_type(objects, right);
        break;
    case TypeRelationId:
        add_type(objects, object.objectId);
        break;
    default:
        break;
    }
}

void add_holders(List **objects, const ObjectAddress &object) {
    add(objects, NamespaceRelationId, get_object_namespace(&object));
    add(objects, ExtensionRelationId, getExtensionOfObject(object.classId, object.objectId));
}

// objects: those that it depends on.
List *add_all_that_name(List *objects, Node *tree) {
    ListCell *cell;
    foreach (cell, pull_var_clause(tree, 0)) {
        add_type(&objects, exprType(static_cast<const Node *>(lfirst(cell)))); // casts of it are used
    }
    for (int i = 0; i < list_length(objects); i++) { // grows
        const ObjectAddress object = *static_cast<const ObjectAddress *>(list_nth(objects, i));
        if (object.classId != NamespaceRelationId && object.classId != ExtensionRelationId) {
            add_types(&objects, object);
            add_holders(&objects, object);
        }
    }
    return objects;
}

// As quote_identifier() leaves names alone under any setting, but for keywords.
bool is_plain(std::string_view name) {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
    return !name.empty() && is_letter(name.front())
           && std::ranges::all_of(name, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

} // namespace

std::string make_exact_identity(const char *type, const char *identity) {
    std::string exact = std::string(type) + " ";
    for (std::string_view rest = identity; !rest.empty();) {
        const std::size_t begin = rest.find('"');
        exact += rest.substr(0, begin);
        if (begin == std::string_view::npos) {
            break;
        }
        rest.remove_prefix(begin + 1);
        std::size_t end = rest.find('"');
        while (end != std::string_view::npos && end + 1 < rest.size() && rest[end + 1] == '"') {
            end = rest.find('"', end + 2);
        }
        const std::string_view name = rest.substr(0, end);
        exact += is_plain(name) ? std::string(name) : '"' + std::string(name) + '"';
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    return exact;
}

std::vector<std::string> find_named_objects(Oid relation, Node *tree) {
    List *objects = find_dependencies(relation, tree);
    std::vector<std::string> named;
    ListCell *cell;
    foreach (cell, objects) {
        const auto *object = static_cast<const ObjectAddress *>(lfirst(cell));
        const char *type = nullptr;
        const char *identity = nullptr;
        call([&] {
            type = getObjectTypeDescription(object, false);
            identity = getObjectIdentity(object, false);
        });
        named.push_back(make_exact_identity(type, identity));
    }
    std::ranges::sort(named);
    return named;
}

std::vector<ObjectAddress> find_all_that_name(Oid relation, Node *tree) {
    List *objects = find_dependencies(relation, tree);
    call([&] { objects = add_all_that_name(objects, tree); });
    std::vector<ObjectAddress> all;
    ListCell *cell;
    foreach (cell, objects) {
        const auto *object = static_cast<const ObjectAddress *>(lfirst(cell));
        if (object->objectSubId == 0) {
            all.push_back(*object);
        }
    }
    std::ranges::sort(
        all, {}, [](const ObjectAddress &object) { return std::tuple(object.classId, object.objectId); });
    return all;
}

const char *find_temporary(Oid relation, Node *tree) {
    List *objects = find_dependencies(relation, tree);
    return call([&] {
        ListCell *cell;
        foreach (cell, objects) {
            const auto *object = static_cast<const ObjectAddress *>(lfirst(cell));
            if (isAnyTempNamespace(get_object_namespace(object))) {
                return static_cast<const char *>(psprintf("%s %s", getObjectTypeDescription(object, false),
                                                          getObjectIdentity(object, false)));
            }
        }
        return static_cast<const char *>(nullptr);
    });
}

} // namespace softdelete::pg
