// Rewrites RETURNING of converted statements. The executor sees an update; what it would say of one is replaced by what
// a DELETE says, in sub-queries too. Called by planner/convert_delete.
#include "planner/convert_returning.hpp"

#include "pg/compat.hpp"
#include "planner/expressions.hpp"

extern "C" {
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
}

namespace softdelete::planner {

namespace {

struct Returning {
    Node *is_deleted; // of the row at hand; null where every row is
    int level;        // of sub-queries that we are in
};

Node *make_text(const char *text) {
    return reinterpret_cast<Node *>(
        makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1, CStringGetTextDatum(text), false, false));
}

Node *make_case(const Returning *returning, Node *of_deleted, Node *of_others) {
    if (returning->is_deleted == nullptr) {
        return of_deleted;
    }
    Node *condition = static_cast<Node *>(copyObjectImpl(returning->is_deleted));
    IncrementVarSublevelsUp(condition, returning->level, 0);
    CaseWhen *when = makeNode(CaseWhen);
    when->expr = reinterpret_cast<Expr *>(condition);
    when->result = reinterpret_cast<Expr *>(of_deleted);
    when->location = -1;
    CaseExpr *expression = makeNode(CaseExpr);
    expression->casetype = exprType(of_others);
    expression->casecollid = exprCollation(of_others);
    expression->args = list_make1(when);
    expression->defresult = reinterpret_cast<Expr *>(of_others);
    expression->location = -1;
    return reinterpret_cast<Node *>(expression);
}

Node *convert(Node *node, Returning *returning) {
    if (node == nullptr) {
        return nullptr;
    }
    if (IsA(node, Var) && pg::compat::refers_to_new_row(castNode(Var, node))) {
        const Var *var = castNode(Var, node);
        Node *nothing = reinterpret_cast<Node *>(makeNullConst(var->vartype, var->vartypmod, var->varcollid));
        return make_case(returning, nothing, static_cast<Node *>(copyObjectImpl(node)));
    }
    if (pg::compat::is_merge_action(node)) {
        return make_case(returning, make_text("DELETE"), static_cast<Node *>(copyObjectImpl(node)));
    }
    if (IsA(node, Query)) {
        returning->level++;
        Query *query = query_tree_mutator(castNode(Query, node), pg::compat::mutator(convert), returning, 0);
        returning->level--;
        return reinterpret_cast<Node *>(query);
    }
    return expression_tree_mutator(node, pg::compat::mutator(convert), returning);
}

void convert_returning(Query *query, Node *is_deleted) {
    Returning returning = {is_deleted, 0};
    query->returningList =
        reinterpret_cast<List *>(convert(reinterpret_cast<Node *>(query->returningList), &returning));
}

} // namespace

void convert_delete_returning(Query *query) {
    convert_returning(query, nullptr);
}

void convert_merge_returning(Query *query, const session::RegisteredTable &table, bool has_update) {
    Node *action = pg::compat::make_merge_action();
    if (query->returningList == NIL || action == nullptr) {
        return;
    }
    Expr *is_deleted =
        make_opclause(TextEqualOperator, BOOLOID, false, reinterpret_cast<Expr *>(action),
                      reinterpret_cast<Expr *>(make_text("UPDATE")), InvalidOid, C_COLLATION_OID);
    set_opfuncid(castNode(OpExpr, is_deleted));
    if (has_update) {
        Node *test = make_deleted_test(table, static_cast<Index>(query->resultRelation), IS_NOT_NULL);
        is_deleted = makeBoolExpr(AND_EXPR, list_make2(is_deleted, test), -1);
    }
    convert_returning(query, reinterpret_cast<Node *>(is_deleted));
}

} // namespace softdelete::planner
