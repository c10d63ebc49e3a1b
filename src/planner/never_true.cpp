// Three-valued logic over a condition, with NULL for the one column that the condition is about. Runs nobody's code: a
// strict function of NULL is NULL without being called, and of the others only the server's own comparisons are called,
// which raise nothing. What is not known that way counts as possibly true.
#include "planner/never_true.hpp"

#include "pg/compat.hpp"
#include "pg/compat_values.hpp"

extern "C" {
#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"
}

namespace softdelete::planner {

namespace {

// What a node's value is where the column is NULL; a null pointer where that is not known.
Const *evaluate(Node *node, Const *case_value);

Const *null_of(Oid type) {
    return makeNullConst(type, -1, InvalidOid);
}

Const *boolean(bool value) {
    return castNode(Const, makeBoolConst(value, false));
}

bool is_null(const Const *value) {
    return value != nullptr && value->constisnull;
}

bool is_true(const Const *value) {
    return value != nullptr && !value->constisnull && DatumGetBool(value->constvalue);
}

bool is_false(const Const *value) {
    return value != nullptr && !value->constisnull && !DatumGetBool(value->constvalue);
}

bool is_null_or_false(const Const *value) {
    return value != nullptr && value->consttype == BOOLOID && (value->constisnull || is_false(value));
}

bool has_null(List *arguments, Const *case_value) {
    ListCell *cell;
    foreach (cell, arguments) {
        if (is_null(evaluate(static_cast<Node *>(lfirst(cell)), case_value))) {
            return true;
        }
    }
    return false;
}

// One of the server's own comparisons, such as >, of two values that are known.
Const *compare(OpExpr *operation, Const *case_value) {
    if (list_length(operation->args) != 2 || operation->opfuncid >= FirstGenbkiObjectId
        || func_volatile(operation->opfuncid) != PROVOLATILE_IMMUTABLE
        || !pg::compat::is_comparison(operation->opno)) {
        return nullptr;
    }
    const Const *left = evaluate(static_cast<Node *>(linitial(operation->args)), case_value);
    const Const *right = evaluate(static_cast<Node *>(lsecond(operation->args)), case_value);
    if (left == nullptr || right == nullptr || left->constisnull || right->constisnull) {
        return nullptr;
    }
    return boolean(DatumGetBool(OidFunctionCall2Coll(operation->opfuncid, operation->inputcollid,
                                                     left->constvalue, right->constvalue)));
}

Const *evaluate_operation(OpExpr *operation, Const *case_value) {
    set_opfuncid(operation);
    return func_strict(operation->opfuncid) && has_null(operation->args, case_value)
               ? null_of(operation->opresulttype)
               : compare(operation, case_value);
}

Const *evaluate_distinct(const DistinctExpr *distinct, Const *case_value) {
    const Const *left = evaluate(static_cast<Node *>(linitial(distinct->args)), case_value);
    const Const *right = evaluate(static_cast<Node *>(lsecond(distinct->args)), case_value);
    bool is_known = left != nullptr && right != nullptr && (left->constisnull || right->constisnull);
    return is_known ? boolean(left->constisnull != right->constisnull) : nullptr;
}

Const *evaluate_boolean(const BoolExpr *expression, Const *case_value) {
    if (expression->boolop == NOT_EXPR) {
        Const *value = evaluate(static_cast<Node *>(linitial(expression->args)), case_value);
        return value == nullptr || value->constisnull ? value : boolean(is_false(value));
    }
    // FALSE decides an AND, TRUE an OR.
    bool decisive = expression->boolop == OR_EXPR;
    bool is_unknown = false;
    bool has_null_part = false;
    ListCell *cell;
    foreach (cell, expression->args) {
        const Const *value = evaluate(static_cast<Node *>(lfirst(cell)), case_value);
        if (decisive ? is_true(value) : is_false(value)) {
            return boolean(decisive);
        }
        is_unknown = is_unknown || value == nullptr;
        has_null_part = has_null_part || is_null(value);
    }
    if (is_unknown) {
        return nullptr;
    }
    return has_null_part ? null_of(BOOLOID) : boolean(!decisive);
}

Const *evaluate_test(const BooleanTest *test, Const *case_value) {
    const Const *value = evaluate(reinterpret_cast<Node *>(test->arg), case_value);
    if (value == nullptr) {
        return nullptr;
    }
    switch (test->booltesttype) {
    case IS_TRUE:
        return boolean(is_true(value));
    case IS_NOT_TRUE:
        return boolean(!is_true(value));
    case IS_FALSE:
        return boolean(is_false(value));
    case IS_NOT_FALSE:
        return boolean(!is_false(value));
    case IS_UNKNOWN:
        return boolean(is_null(value));
    case IS_NOT_UNKNOWN:
        return boolean(!is_null(value));
    }
    return nullptr;
}

bool is_same(const Const *left, const Const *right) {
    return left != nullptr && right != nullptr
           && (left->constisnull ? right->constisnull : is_false(left) && is_false(right));
}

// Where a condition is not known, all results that may be meant have to be the same: NULL or FALSE.
Const *evaluate_case(const CaseExpr *expression, Const *outer_value) {
    Const *case_value = expression->arg == nullptr
                            ? outer_value
                            : evaluate(reinterpret_cast<Node *>(expression->arg), outer_value);
    Const *first = nullptr;
    bool is_first = true;
    // True where the result decides the whole, or spoils it.
    auto add = [&](Const *result, bool is_certain) {
        bool is_spoilt = is_first ? !is_certain && !is_null_or_false(result) : !is_same(first, result);
        first = is_spoilt ? nullptr : is_first ? result : first;
        is_first = false;
        return is_spoilt || is_certain;
    };
    ListCell *cell;
    foreach (cell, expression->args) {
        const CaseWhen *when = lfirst_node(CaseWhen, cell);
        const Const *condition = evaluate(reinterpret_cast<Node *>(when->expr), case_value);
        bool is_skipped = condition != nullptr && !is_true(condition);
        if (!is_skipped
            && add(evaluate(reinterpret_cast<Node *>(when->result), outer_value), is_true(condition))) {
            return first;
        }
    }
    (void)add(evaluate(reinterpret_cast<Node *>(expression->defresult), outer_value), true);
    return first;
}

Const *evaluate_coalesce(const CoalesceExpr *expression, Const *case_value) {
    ListCell *cell;
    foreach (cell, expression->args) {
        Const *value = evaluate(static_cast<Node *>(lfirst(cell)), case_value);
        if (!is_null(value)) {
            return value;
        }
    }
    return null_of(expression->coalescetype);
}

// NULL = ANY (...), or NULL <> ALL (...) of at least one element.
Const *evaluate_array(ScalarArrayOpExpr *comparison, Const *case_value) {
    Node *array = static_cast<Node *>(lsecond(comparison->args));
    bool has_elements =
        (IsA(array, ArrayExpr) && !castNode(ArrayExpr, array)->multidims
         && castNode(ArrayExpr, array)->elements != NIL)
        || (IsA(array, Const)
            && (castNode(Const, array)->constisnull
                || ArrayGetNItems(ARR_NDIM(DatumGetArrayTypeP(castNode(Const, array)->constvalue)),
                                  ARR_DIMS(DatumGetArrayTypeP(castNode(Const, array)->constvalue)))
                       > 0));
    bool is_conclusive = comparison->useOr || has_elements;
    return is_conclusive && op_strict(comparison->opno)
                   && is_null(evaluate(static_cast<Node *>(linitial(comparison->args)), case_value))
               ? null_of(BOOLOID)
               : nullptr;
}

bool reads_null_as_null(Oid type) {
    Oid input = InvalidOid;
    Oid parameter = InvalidOid;
    getTypeInputInfo(type, &input, &parameter);
    return func_strict(input);
}

// Casts of all kinds: of NULL they make NULL, unless somebody's code is asked.
Const *evaluate_cast(Node *node, Node *argument, Const *case_value) {
    const Const *value = evaluate(argument, case_value);
    if (!is_null(value)) {
        return nullptr;
    }
    Oid type = exprType(node);
    bool is_asked = (IsA(node, CoerceViaIO) && !reads_null_as_null(type))
                    || (IsA(node, CoerceToDomain) && pg::compat::has_domain_constraints(type));
    return is_asked ? nullptr : null_of(type);
}

// A cast that leaves the value's bits alone.
Const *evaluate_relabeling(const RelabelType *cast, Const *case_value) {
    const Const *value = evaluate(reinterpret_cast<Node *>(cast->arg), case_value);
    if (value == nullptr) {
        return nullptr;
    }
    auto *copy = static_cast<Const *>(copyObjectImpl(value));
    copy->consttype = cast->resulttype;
    return copy;
}

Const *evaluate_function(const FuncExpr *call, Const *case_value) {
    return func_strict(call->funcid) && has_null(call->args, case_value) ? null_of(call->funcresulttype)
                                                                         : nullptr;
}

Const *evaluate_null_test(const NullTest *test, Const *case_value) {
    const Const *value = evaluate(reinterpret_cast<Node *>(test->arg), case_value);
    return value == nullptr || test->argisrow
               ? nullptr
               : boolean(value->constisnull == (test->nulltesttype == IS_NULL));
}

Const *evaluate(Node *node, Const *case_value) {
    if (node == nullptr) {
        return nullptr;
    }
    check_stack_depth();
    switch (nodeTag(node)) {
    case T_Var: // the only one that the condition mentions
        return null_of(castNode(Var, node)->vartype);
    case T_Const:
        return castNode(Const, node);
    case T_CaseTestExpr:
        return case_value;
    case T_RelabelType:
        return evaluate_relabeling(castNode(RelabelType, node), case_value);
    case T_CollateExpr:
        return evaluate(reinterpret_cast<Node *>(castNode(CollateExpr, node)->arg), case_value);
    case T_CoerceViaIO:
        return evaluate_cast(node, reinterpret_cast<Node *>(castNode(CoerceViaIO, node)->arg), case_value);
    case T_CoerceToDomain:
        return evaluate_cast(node, reinterpret_cast<Node *>(castNode(CoerceToDomain, node)->arg), case_value);
    case T_FuncExpr:
        return evaluate_function(castNode(FuncExpr, node), case_value);
    case T_OpExpr:
        return evaluate_operation(castNode(OpExpr, node), case_value);
    case T_DistinctExpr:
        return evaluate_distinct(reinterpret_cast<DistinctExpr *>(node), case_value);
    case T_ScalarArrayOpExpr:
        return evaluate_array(castNode(ScalarArrayOpExpr, node), case_value);
    case T_BoolExpr:
        return evaluate_boolean(castNode(BoolExpr, node), case_value);
    case T_BooleanTest:
        return evaluate_test(castNode(BooleanTest, node), case_value);
    case T_NullTest:
        return evaluate_null_test(castNode(NullTest, node), case_value);
    case T_CaseExpr:
        return evaluate_case(castNode(CaseExpr, node), case_value);
    case T_CoalesceExpr:
        return evaluate_coalesce(castNode(CoalesceExpr, node), case_value);
    default:
        return nullptr;
    }
}

} // namespace

bool is_never_true_for_null(Node *condition) {
    if (IsA(condition, SubLink)) {
        const SubLink *link = castNode(SubLink, condition);
        return link->subLinkType == ANY_SUBLINK && is_never_true_for_null(link->testexpr);
    }
    if (is_andclause(condition) || is_orclause(condition)) {
        ListCell *cell;
        foreach (cell, castNode(BoolExpr, condition)->args) {
            if (is_never_true_for_null(static_cast<Node *>(lfirst(cell))) == is_andclause(condition)) {
                return is_andclause(condition);
            }
        }
        return is_orclause(condition);
    }
    return is_null_or_false(evaluate(condition, nullptr));
}

} // namespace softdelete::planner
