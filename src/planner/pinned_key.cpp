// Looks for the primary key among the conditions that a statement's WHERE joins by AND. Called by planner/convert_update: the
// condition of a restore must not lure the planner away from the key.
#include "planner/pinned_key.hpp"

extern "C" {
#include "access/sysattr.h"
#include "catalog/pg_constraint.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
}

namespace softdelete::planner {

namespace {

// The target's column below a relabelling; 0 for anything else.
AttrNumber get_column(Node *node, Index target) {
    if (IsA(node, RelabelType)) {
        node = reinterpret_cast<Node *>(castNode(RelabelType, node)->arg);
    }
    if (!IsA(node, Var)) {
        return InvalidAttrNumber;
    }
    const Var *column = castNode(Var, node);
    return column->varno == static_cast<int>(target) && column->varlevelsup == 0 ? column->varattno
                                                                                 : InvalidAttrNumber;
}

bool is_of_target(Node *node, Index target) {
    return bms_is_member(static_cast<int>(target), pull_varnos(nullptr, node));
}

// The column that the condition compares, column = value or column = ANY (values); 0 where it does something else.
AttrNumber get_pinned_column(Node *condition, Index target) {
    Oid comparison = InvalidOid;
    List *sides = NIL;
    if (IsA(condition, OpExpr)) {
        comparison = castNode(OpExpr, condition)->opno;
        sides = castNode(OpExpr, condition)->args;
    } else if (IsA(condition, ScalarArrayOpExpr) && castNode(ScalarArrayOpExpr, condition)->useOr) {
        comparison = castNode(ScalarArrayOpExpr, condition)->opno;
        sides = castNode(ScalarArrayOpExpr, condition)->args;
    }
    if (list_length(sides) != 2) {
        return InvalidAttrNumber;
    }
    Node *left = static_cast<Node *>(linitial(sides));
    Node *right = static_cast<Node *>(lsecond(sides));
    AttrNumber column = get_column(left, target);
    if (column == InvalidAttrNumber && IsA(condition, OpExpr)) {
        std::swap(left, right);
        column = get_column(left, target);
    }
    return column != InvalidAttrNumber && op_mergejoinable(comparison, exprType(left))
                   && !is_of_target(right, target)
               ? column
               : InvalidAttrNumber;
}

} // namespace

bool pins_primary_key(Query *query) {
    Index target = static_cast<Index>(query->resultRelation);
    Oid constraint = InvalidOid;
    Bitmapset *key = get_primary_key_attnos(rt_fetch(target, query->rtable)->relid, false, &constraint);
    if (key == nullptr || query->jointree->quals == nullptr) {
        return false;
    }
    ListCell *cell;
    foreach (cell, make_ands_implicit(reinterpret_cast<Expr *>(query->jointree->quals))) {
        AttrNumber column = get_pinned_column(static_cast<Node *>(lfirst(cell)), target);
        if (column != InvalidAttrNumber) {
            key = bms_del_member(key, column - FirstLowInvalidHeapAttributeNumber);
        }
    }
    return bms_is_empty(key);
}

} // namespace softdelete::planner
