// Analyzes an expression whose string literals are parameters of an unknown type: the parser tells a hook what it would make of each, as
// with the parameters of PREPARE, and reads none. Called by pg/column_expression, which then analyzes what comes out of it.
#include "pg/literal_input.hpp"

#include "pg/compat.hpp"

extern "C" {
#include "access/tupdesc.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_coerce.h"
#include "parser/parse_expr.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"
}

namespace softdelete::pg {

namespace {

bool has_domain_inside(Oid type);

bool is_of_domain(Oid type) {
    return get_typtype(type) == TYPTYPE_DOMAIN || has_domain_inside(type);
}

bool has_column_of_domain(Oid composite) {
    TupleDesc row = lookup_rowtype_tupdesc(composite, -1);
    bool found = false;
    for (int i = 0; i < row->natts && !found; i++) {
        const FormData_pg_attribute *column = TupleDescAttr(row, i);
        found = !column->attisdropped && is_of_domain(column->atttypid);
    }
    ReleaseTupleDesc(row);
    return found;
}

bool has_domain_inside(Oid type) {
    const Oid base = getBaseType(type);
    const Oid element = get_element_type(base);
    if (OidIsValid(element)) {
        return is_of_domain(element);
    }
    switch (get_typtype(base)) {
    case TYPTYPE_COMPOSITE:
        return has_column_of_domain(base);
    case TYPTYPE_RANGE:
        return is_of_domain(get_range_subtype(base));
    case TYPTYPE_MULTIRANGE:
        return is_of_domain(get_range_subtype(get_multirange_range(base)));
    default:
        return false;
    }
}

struct Literals {
    Oid *types; // which of them are to be read as later; InvalidOid for none
    int count;
};

bool is_text(Node *node) {
    const auto *literal = reinterpret_cast<const A_Const *>(node);
    return IsA(node, A_Const) && !literal->isnull && IsA(&literal->val, String);
}

// Those of a type's name, as in geometry('Point'), are none.
bool count_literals(Node *node, void *context) {
    if (node == nullptr || IsA(node, TypeName)) {
        return false;
    }
    static_cast<Literals *>(context)->count += is_text(node) ? 1 : 0;
    return raw_expression_tree_walker(node, compat::walker(count_literals), context);
}

// The n-th one becomes parameter n where it stands, which is as large.
bool replace_literals(Node *node, void *context) {
    if (node == nullptr || IsA(node, TypeName)) {
        return false;
    }
    if (is_text(node)) {
        static_assert(sizeof(ParamRef) <= sizeof(A_Const));
        const int location = reinterpret_cast<const A_Const *>(node)->location;
        auto *parameter = reinterpret_cast<ParamRef *>(node);
        parameter->type = T_ParamRef;
        parameter->number = ++static_cast<Literals *>(context)->count;
        parameter->location = location;
        return false;
    }
    return raw_expression_tree_walker(node, compat::walker(replace_literals), context);
}

bool cast_literals(Node *node, void *context) {
    if (node == nullptr || IsA(node, TypeName)) {
        return false;
    }
    if (!is_text(node)) {
        return raw_expression_tree_walker(node, compat::walker(cast_literals), context);
    }
    auto *literals = static_cast<Literals *>(context);
    const Oid type = literals->types[literals->count++];
    if (OidIsValid(type)) {
        static_assert(sizeof(TypeCast) <= sizeof(A_Const));
        TypeCast *inner = makeNode(TypeCast);
        inner->arg = static_cast<Node *>(copyObjectImpl(node));
        inner->typeName = makeTypeNameFromOid(TEXTOID, -1);
        inner->location = -1;
        auto *outer = reinterpret_cast<TypeCast *>(node);
        outer->type = T_TypeCast;
        outer->arg = reinterpret_cast<Node *>(inner);
        outer->typeName = makeTypeNameFromOid(type, -1);
        outer->location = -1;
    }
    return false;
}

Node *make_parameter(ParseState *, ParamRef *reference) {
    Param *parameter = makeNode(Param);
    parameter->paramkind = PARAM_EXTERN;
    parameter->paramid = reference->number;
    parameter->paramtype = UNKNOWNOID;
    parameter->paramtypmod = -1;
    parameter->location = reference->location;
    return reinterpret_cast<Node *>(parameter);
}

Node *coerce_parameter(ParseState *state, Param *parameter, Oid type, int32, int) {
    if (parameter->paramtype != UNKNOWNOID) {
        return nullptr;
    }
    if (has_domain_inside(type)) {
        static_cast<Literals *>(state->p_ref_hook_state)->types[parameter->paramid - 1] = type;
    }
    parameter->paramtype = type;
    parameter->paramcollid = get_typcollation(type);
    return reinterpret_cast<Node *>(parameter);
}

} // namespace

Node *defer_literals(ParseState *state, Node *raw, Node *second, Oid type, int32 typmod) {
    Literals literals = {nullptr, 0};
    (void)count_literals(raw, &literals);
    if (literals.count == 0) {
        return raw;
    }
    literals.types = static_cast<Oid *>(palloc0(sizeof(Oid) * literals.count));
    literals.count = 0;
    (void)replace_literals(second, &literals);
    state->p_paramref_hook = make_parameter;
    state->p_coerce_param_hook = coerce_parameter;
    state->p_ref_hook_state = &literals;
    Node *expression = transformExpr(state, second, EXPR_KIND_GENERATED_COLUMN); // pinned
    (void)coerce_to_target_type(state, expression, exprType(expression), type, typmod, COERCION_ASSIGNMENT,
                                COERCE_IMPLICIT_CAST, -1);
    state->p_paramref_hook = nullptr;
    state->p_coerce_param_hook = nullptr;
    state->p_ref_hook_state = nullptr;
    literals.count = 0;
    (void)cast_literals(raw, &literals);
    return raw;
}

} // namespace softdelete::pg
