// Adds our constraint triggers to SET CONSTRAINTS of a foreign key. Called by the utility hook. The server finds
// constraints by name only (AfterTriggerSetState() in src/backend/commands/trigger.c); the names of our triggers are
// made of the keys' names.
#include "utility/set_constraints.hpp"
#include "catalog/link_names.hpp"
#include "model/trigger_names.hpp"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
}

namespace softdelete::utility {

namespace {

// Appends the constraint triggers of that name, with their schemas, to names.
List *add_triggers(List *names, const char *name) {
    NameData wanted;
    namestrcpy(&wanted, name);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_constraint_conname, BTEqualStrategyNumber, F_NAMEEQ, NameGetDatum(&wanted));
    Relation catalog = table_open(ConstraintRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(catalog, ConstraintNameNspIndexId, true, nullptr, 1, &key);
    HeapTuple row = nullptr;
    while (HeapTupleIsValid(row = systable_getnext(scan))) {
        const auto *form = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(row));
        if (form->contype == CONSTRAINT_TRIGGER && form->condeferrable) {
            names = lappend(names, makeRangeVar(get_namespace_name(form->connamespace), pstrdup(name), -1));
        }
    }
    systable_endscan(scan);
    table_close(catalog, AccessShareLock);
    return names;
}

} // namespace

PlannedStmt *add_own_constraints(PlannedStmt *plan, bool *read_only_tree) {
    const ConstraintsSetStmt *statement = castNode(ConstraintsSetStmt, plan->utilityStmt);
    List *added = NIL;
    ListCell *cell;
    foreach (cell, statement->constraints) {
        const char *key = lfirst_node(RangeVar, cell)->relname;
        added = add_triggers(added, catalog::make_link_name(model::parent_check_prefix, key));
        added = add_triggers(added, catalog::make_link_name(model::children_check_prefix, key));
    }
    if (added == NIL) {
        return plan;
    }
    plan = static_cast<PlannedStmt *>(copyObjectImpl(plan));
    *read_only_tree = false;
    ConstraintsSetStmt *copy = castNode(ConstraintsSetStmt, plan->utilityStmt);
    copy->constraints = list_concat(copy->constraints, added);
    return plan;
}

} // namespace softdelete::utility
