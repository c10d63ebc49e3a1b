// Adds the checks of an INSERT to the WHERE clause of COPY table FROM, which is evaluated for every row. The columns stand
// there as variables, which the parser passes on: by name, it would ask for the privilege to SELECT them. Called by the
// utility hook.
#include "utility/copy_from.hpp"

#include "planner/expressions.hpp"
#include "session/registered_table.hpp"
#include "session/session_visibility.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
}

namespace softdelete::utility {

namespace {

// The first range table entry is the table that COPY names.
Node *make_reference(const session::RegisteredTable &table, AttrNumber column) {
    return reinterpret_cast<Node *>(planner::make_column(table.relation, 1, column));
}

// 'oid'::pg_catalog.regclass, or NULL::pg_catalog.int8
Node *make_literal(char *text, const char *type) {
    A_Const *literal = makeNode(A_Const);
    literal->isnull = text == nullptr;
    if (text != nullptr) {
        literal->val.sval.type = T_String;
        literal->val.sval.sval = text;
    }
    literal->location = -1;
    TypeCast *cast = makeNode(TypeCast);
    cast->arg = reinterpret_cast<Node *>(literal);
    cast->typeName =
        makeTypeNameFromNameList(list_make2(makeString(pstrdup("pg_catalog")), makeString(pstrdup(type))));
    cast->location = -1;
    return reinterpret_cast<Node *>(cast);
}

Node *make_check(const char *function, Node *value, Node *other) {
    List *name = list_make2(makeString(pstrdup("softdelete_internal")), makeString(pstrdup(function)));
    // The form that planner/expressions.cpp gives to calls of ours.
    return reinterpret_cast<Node *>(makeFuncCall(name, list_make2(value, other), COERCE_SQL_SYNTAX, -1));
}

// True for every value that the checks let pass: of deleted_at the check is the value, of deletion_id it is NULL.
List *make_conditions(const session::RegisteredTable &table) {
    Node *relation = make_literal(psprintf("%u", table.relation), "regclass");
    Node *time = make_check("check_deleted_at", make_reference(table, table.deleted_at), relation);
    // The server's own operator, whatever the session's search_path is.
    List *equals = list_make2(makeString(pstrdup("pg_catalog")), makeString(pstrdup("=")));
    A_Expr *same = makeA_Expr(AEXPR_NOT_DISTINCT, equals, time, make_reference(table, table.deleted_at), -1);
    NullTest *none = makeNode(NullTest);
    none->arg = reinterpret_cast<Expr *>(make_check(
        "check_deletion_id", make_reference(table, table.deletion_id), make_literal(nullptr, "int8")));
    none->nulltesttype = IS_NULL;
    none->location = -1;
    return list_make2(same, none);
}

// Citus takes no conditions on the table itself.
void check_columns(const CopyStmt *copy, const session::RegisteredTable &table) {
    bool names_ours = copy->attlist == NIL;
    ListCell *cell;
    foreach (cell, copy->attlist) {
        AttrNumber column = get_attnum(table.relation, strVal(lfirst(cell)));
        names_ours = names_ours || column == table.deleted_at || column == table.deletion_id;
    }
    if (names_ours) {
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("cannot copy the columns of softdelete into table \"%s\", which is a table "
                               "of Citus",
                               get_rel_name(table.relation)),
                        errhint("Name the columns, without deleted_at and deletion_id.")));
    }
}

} // namespace

PlannedStmt *check_copy(PlannedStmt *plan, bool *read_only_tree) {
    CopyStmt *copy = castNode(CopyStmt, plan->utilityStmt);
    if (!copy->is_from) {
        return plan;
    }
    Oid relation = RangeVarGetRelid(copy->relation, RowExclusiveLock, true);
    session::RegisteredTable table;
    if (!OidIsValid(relation) || !session::find_registered_table(relation, &table)
        || (session::session_view().is_unfiltered && session::may_load(relation))) {
        return plan;
    }
    // What Citus copies from shard to shard it copies as the owner, and all of it.
    if (table.rows != session::RowPlace::here && session::may_load(relation)) {
        return plan;
    }
    if (table.rows == session::RowPlace::shards) {
        check_columns(copy, table);
        return plan;
    }
    plan = static_cast<PlannedStmt *>(copyObjectImpl(plan));
    *read_only_tree = false;
    copy = castNode(CopyStmt, plan->utilityStmt);
    List *conditions = make_conditions(table);
    if (copy->whereClause != nullptr) {
        conditions = lcons(copy->whereClause, conditions);
    }
    copy->whereClause = reinterpret_cast<Node *>(makeBoolExpr(AND_EXPR, conditions, -1));
    return plan;
}

} // namespace softdelete::utility
