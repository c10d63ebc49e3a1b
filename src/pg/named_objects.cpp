// Lets the server find out: it records what an expression depends on, for an object that does not exist, and that is read.
#include "pg/named_objects.hpp"

#include "pg/scopes.hpp"
#include "pg/transactions.hpp"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_depend.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
}

namespace softdelete::pg {

namespace {

// No object has this class.
constexpr ObjectAddress depender = {DependRelationId, InvalidOid, 0};

void add_identity(const FormData_pg_depend *dependency, Oid relation, List **identities) {
    const ObjectAddress object = {dependency->refclassid, dependency->refobjid, dependency->refobjsubid};
    if (object.classId != RelationRelationId || object.objectId != relation) {
        *identities = lappend(*identities, getObjectIdentity(&object, false));
    }
}

List *read_dependencies(Oid relation) {
    ScanKeyData keys[2];
    ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(depender.classId));
    ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(depender.objectId));
    Relation dependencies = table_open(DependRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(dependencies, DependDependerIndexId, true, nullptr, 2, keys);
    List *identities = NIL;
    int nest_level = pin_session(); // how names are quoted
    for (HeapTuple row = systable_getnext(scan); HeapTupleIsValid(row); row = systable_getnext(scan)) {
        add_identity(reinterpret_cast<Form_pg_depend>(GETSTRUCT(row)), relation, &identities);
    }
    unpin_session(nest_level);
    systable_endscan(scan);
    table_close(dependencies, AccessShareLock);
    return identities;
}

} // namespace

std::vector<std::string> find_named_objects(Oid relation, Node *tree) {
    const List *identities = NIL;
    std::vector<std::string> named;
    Subtransaction rolled_back;
    call([&] {
        recordDependencyOnSingleRelExpr(&depender, tree, relation, DEPENDENCY_NORMAL, DEPENDENCY_NORMAL,
                                        false);
        CommandCounterIncrement();
        identities = read_dependencies(relation);
    });
    ListCell *cell;
    foreach (cell, identities) {
        named.emplace_back(static_cast<const char *>(lfirst(cell)));
    }
    return named;
}

} // namespace softdelete::pg
