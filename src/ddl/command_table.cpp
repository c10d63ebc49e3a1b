// What the files here ask of the table of a command, in the server's words where the answer is an error.
#include "ddl/command_table.hpp"

#include "model/trigger_names.hpp"
#include "pg/compat.hpp"
#include "pg/scopes.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

namespace softdelete::ddl {

namespace {

bool changes_attributes(const Node *statement) {
    Node *node = const_cast<Node *>(statement);
    return IsA(node, AlterTableStmt)
               ? castNode(AlterTableStmt, node)->objtype == OBJECT_TYPE
               : IsA(node, RenameStmt) && castNode(RenameStmt, node)->renameType == OBJECT_ATTRIBUTE;
}

// As find_typed_table_dependencies() in src/backend/commands/tablecmds.c: no index has the column.
List *find_tables_of(Oid type) {
    List *tables = NIL;
    Relation catalog = table_open(RelationRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_class_reloftype, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(type));
    SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, nullptr, 1, &key);
    HeapTuple row = nullptr;
    while (HeapTupleIsValid(row = systable_getnext(scan))) {
        tables = lappend_oid(tables, reinterpret_cast<Form_pg_class>(GETSTRUCT(row))->oid);
    }
    systable_endscan(scan);
    table_close(catalog, AccessShareLock);
    list_sort(tables, list_oid_cmp);
    return tables;
}

} // namespace

List *find_changed_tables(const DdlCommand &command) {
    if (!changes_attributes(command.node)) {
        return list_make1_oid(command.relation);
    }
    Oid type = OidIsValid(command.relation) ? get_rel_type_id(command.relation) : InvalidOid;
    return OidIsValid(type) ? find_tables_of(type) : NIL;
}

bool is_registered(Oid relation) {
    return OidIsValid(relation) && pg::call([&] { return session::is_registered_table(relation); });
}

bool is_archived(Oid relation) {
    return pg::call([&] { return session::has_trigger(relation, model::archive_trigger); });
}

bool owns_schema(Oid schema) {
    HeapTuple row = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
    bool owns =
        HeapTupleIsValid(row)
        && has_privs_of_role(GetUserId(), reinterpret_cast<Form_pg_namespace>(GETSTRUCT(row))->nspowner);
    if (HeapTupleIsValid(row)) {
        ReleaseSysCache(row);
    }
    return owns;
}

void check_owner(Oid table) {
    pg::call([&] {
        if (!pg::compat::owns_relation(table, GetUserId())) {
            aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(table));
        }
    });
}

} // namespace softdelete::ddl
