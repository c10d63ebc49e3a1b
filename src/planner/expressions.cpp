// Builds the expressions that planner/ puts into queries. Small builders over nodes/makefuncs.h.
#include "planner/expressions.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "utils/lsyscache.h"
}

namespace softdelete::planner {

namespace {

// Calls of ours are marked by a form that the server's grammar gives to functions of pg_catalog only, as EXTRACT().
constexpr CoercionForm own_call_format = COERCE_SQL_SYNTAX;

} // namespace

Var *make_column(Oid relation, Index reference, AttrNumber attribute) {
    Oid type = InvalidOid;
    Oid collation = InvalidOid;
    int32 typmod = -1;
    get_atttypetypmodcoll(relation, attribute, &type, &typmod, &collation);
    return makeVar(static_cast<int>(reference), attribute, type, typmod, collation, 0);
}

Node *make_deleted_test(const session::RegisteredTable &table, Index reference, NullTestType test) {
    NullTest *node = makeNode(NullTest);
    node->arg = reinterpret_cast<Expr *>(make_column(table.relation, reference, table.deleted_at));
    node->nulltesttype = test;
    node->argisrow = false;
    node->location = -1;
    return reinterpret_cast<Node *>(node);
}

void add_condition(Node **conditions, Node *condition) {
    *conditions = *conditions == nullptr
                      ? condition
                      : reinterpret_cast<Node *>(make_andclause(list_make2(condition, *conditions)));
}

Node *make_call(Oid function, Oid result, List *arguments) {
    return reinterpret_cast<Node *>(
        makeFuncExpr(function, result, arguments, InvalidOid, InvalidOid, own_call_format));
}

bool is_own_call(FunctionCallInfo call) {
    const Node *expression = call->flinfo->fn_expr;
    return expression != nullptr && IsA(expression, FuncExpr)
           && is_own_call(reinterpret_cast<const FuncExpr *>(expression));
}

bool is_own_call(const FuncExpr *call) {
    return call->funcformat == own_call_format;
}

Node *make_regclass(Oid relation) {
    return reinterpret_cast<Node *>(
        makeConst(REGCLASSOID, -1, InvalidOid, sizeof(Oid), ObjectIdGetDatum(relation), false, true));
}

Node *make_typmod(int32 typmod) {
    return reinterpret_cast<Node *>(
        makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(typmod), false, true));
}

TargetEntry *make_assignment(Oid relation, AttrNumber attribute, Node *value) {
    Oid type = InvalidOid;
    Oid collation = InvalidOid;
    int32 typmod = -1;
    get_atttypetypmodcoll(relation, attribute, &type, &typmod, &collation);
    Node *cast = coerce_to_target_type(nullptr, value, exprType(value), type, typmod, COERCION_ASSIGNMENT,
                                       COERCE_IMPLICIT_CAST, -1);
    if (cast == nullptr) {
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                        errmsg("cannot cast to the type of column \"%s\" of table \"%s\"",
                               get_attname(relation, attribute, false), get_rel_name(relation))));
    }
    return makeTargetEntry(reinterpret_cast<Expr *>(cast), attribute, get_attname(relation, attribute, false),
                           false);
}

TargetEntry *find_assignment(List *target_list, AttrNumber attribute) {
    ListCell *cell;
    foreach (cell, target_list) {
        TargetEntry *entry = lfirst_node(TargetEntry, cell);
        if (!entry->resjunk && entry->resno == attribute) {
            return entry;
        }
    }
    return nullptr;
}

} // namespace softdelete::planner
