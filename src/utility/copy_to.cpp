// Rewrites COPY table TO into COPY (SELECT columns FROM ONLY table) TO; see DoCopy() in src/backend/commands/copy.c,
// which does the same for tables with row security.
#include "utility/copy_to.hpp"

#include "pg/compat.hpp"
#include "registry/ended_registrations.hpp"
#include "session/copied_tables.hpp"
#include "session/plan_notes.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "access/relation.h"
#include "catalog/namespace.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
}

namespace softdelete::utility {

namespace {

bool is_filtered(Oid relation) {
    session::RegisteredTable table;
    session::Statement statement = session::begin_statement(nullptr, nullptr, nullptr);
    return session::find_registered_table(relation, &table)
           && table.visibility != session::TableVisibility::view && !statement.is_unfiltered
           && statement.visibility != settings::Visibility::all;
}

Node *make_result_column(char *name) {
    ColumnRef *column = makeNode(ColumnRef);
    column->fields = list_make1(makeString(name));
    column->location = -1;
    ResTarget *target = makeNode(ResTarget);
    target->val = reinterpret_cast<Node *>(column);
    target->location = -1;
    return reinterpret_cast<Node *>(target);
}

// The columns that COPY names, or all but generated ones, as COPY takes them.
List *make_result_columns(const CopyStmt *copy, Oid relation_id) {
    List *columns = NIL;
    ListCell *cell;
    foreach (cell, copy->attlist) {
        columns = lappend(columns, make_result_column(strVal(lfirst(cell))));
    }
    if (copy->attlist != NIL) {
        return columns;
    }
    Relation relation = relation_open(relation_id, NoLock);
    TupleDesc descriptor = RelationGetDescr(relation);
    for (int i = 0; i < descriptor->natts; i++) {
        Form_pg_attribute attribute = TupleDescAttr(descriptor, i);
        if (!attribute->attisdropped && attribute->attgenerated == '\0') {
            columns = lappend(columns, make_result_column(pstrdup(NameStr(attribute->attname))));
        }
    }
    relation_close(relation, NoLock);
    return columns;
}

bool can_be_copied(Oid relation) {
    char kind = get_rel_relkind(relation);
    return kind == RELKIND_RELATION
           || (kind == RELKIND_PARTITIONED_TABLE && pg::compat::can_copy_partitioned_table);
}

} // namespace

PlannedStmt *filter_copy(PlannedStmt *plan, bool *read_only_tree) {
    CopyStmt *copy = castNode(CopyStmt, plan->utilityStmt);
    if (copy->relation == nullptr || copy->is_from) {
        return plan;
    }
    Oid relation = RangeVarGetRelid(copy->relation, AccessShareLock, true);
    if (!OidIsValid(relation) || !can_be_copied(relation)) {
        return plan;
    }
    if (ActiveSnapshotSet()) {
        registry::refuse_older_snapshot(relation, GetActiveSnapshot());
    }
    session::note_copied_table(relation);
    if (!is_filtered(relation)) {
        return plan;
    }
    plan = static_cast<PlannedStmt *>(copyObjectImpl(plan));
    *read_only_tree = false;
    copy = castNode(CopyStmt, plan->utilityStmt);
    SelectStmt *select = makeNode(SelectStmt);
    select->targetList = make_result_columns(copy, relation);
    copy->relation->inh = get_rel_relkind(relation) == RELKIND_PARTITIONED_TABLE;
    select->fromClause = list_make1(copy->relation);
    copy->query = reinterpret_cast<Node *>(select);
    copy->relation = nullptr;
    copy->attlist = NIL;
    return plan;
}

} // namespace softdelete::utility
