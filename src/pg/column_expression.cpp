// The steps of cookConstraint() and cookDefault() in src/backend/catalog/heap.c.
#include "pg/column_expression.hpp"

#include "pg/compat.hpp"
#include "pg/literal_input.hpp"
#include "pg/scopes.hpp"

extern "C" {
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_node.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
}

#include <cstring>

namespace softdelete::pg {

namespace {

// What a SELECT of one expression and nothing else selects; null for any other text.
Node *parse_target(const char *text) {
    List *parsed = raw_parser(text, RAW_PARSE_DEFAULT); // looks up no name
    SelectStmt *select = nullptr;
    if (list_length(parsed) == 1 && IsA(linitial_node(RawStmt, parsed)->stmt, SelectStmt)) {
        select = castNode(SelectStmt, linitial_node(RawStmt, parsed)->stmt);
    }
    bool is_expression =
        select != nullptr && list_length(select->targetList) == 1 && select->fromClause == NIL
        && select->whereClause == nullptr && select->groupClause == NIL && select->havingClause == nullptr
        && select->windowClause == NIL && select->sortClause == NIL && select->limitCount == nullptr
        && select->limitOffset == nullptr && select->op == SETOP_NONE && select->intoClause == nullptr
        && select->valuesLists == NIL && select->lockingClause == NIL;
    ResTarget *target = is_expression ? linitial_node(ResTarget, select->targetList) : nullptr;
    return target == nullptr || target->name != nullptr ? nullptr : target->val;
}

// The text must be one expression within parentheses, where a list is a row, and without, where it may not close one.
Node *parse_raw(const char *text) {
    Node *expression = parse_target(psprintf("SELECT (%s\n)", text));
    if (expression == nullptr || parse_target(psprintf("SELECT %s\n", text)) == nullptr) {
        ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("not an expression: \"%s\"", text),
                        errhint("Give one SQL expression over the columns of the row.")));
    }
    return expression;
}

Node *analyze(Oid relation_id, AttrNumber attribute, const char *text) {
    Relation relation = table_open(relation_id, AccessShareLock);
    ParseState *state = make_parsestate(nullptr);
    ParseNamespaceItem *item =
        addRangeTableEntryForRelation(state, relation, AccessShareLock, nullptr, false, true);
    addNSItemToQuery(state, item, true, true, true);
    const FormData_pg_attribute *column = TupleDescAttr(RelationGetDescr(relation), attribute - 1);
    int nest_level = pin_session();
    Node *raw = defer_literals(state, parse_raw(text), parse_raw(text), column->atttypid, column->atttypmod);
    Node *expression = transformExpr(state, raw, EXPR_KIND_GENERATED_COLUMN); // pinned
    unpin_session(nest_level);
    Oid type = exprType(expression);
    expression = coerce_to_target_type(state, expression, type, column->atttypid, column->atttypmod,
                                       COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
    if (expression == nullptr) {
        ereport(ERROR,
                (errcode(ERRCODE_DATATYPE_MISMATCH),
                 errmsg("column \"%s\" is of type %s but expression is of type %s", NameStr(column->attname),
                        format_type_be(column->atttypid), format_type_be(type)),
                 errhint("You will need to rewrite or cast the expression.")));
    }
    if (IsA(expression,
            RowExpr)) { // or its text would be a record, which a sub-query cannot hand to the column
        castNode(RowExpr, expression)->row_format = COERCE_EXPLICIT_CAST;
    }
    assign_expr_collations(state, expression);
    free_parsestate(state);
    table_close(relation, NoLock);
    return expression;
}

// Functions whose results differ and that change nothing.
bool is_harmless(Oid function) {
    static const char *const names[] = {"random",        "gen_random_uuid", "uuidv4",   "uuidv7",
                                        "random_normal", "clock_timestamp", "timeofday"};
    if (get_func_namespace(function) != PG_CATALOG_NAMESPACE) {
        return false;
    }
    const char *name = get_func_name(function);
    for (const char *known : names) {
        if (strcmp(name, known) == 0) {
            return true;
        }
    }
    return false;
}

struct Volatiles {
    bool any;
    Oid refused;
};

// NULL, whatever it is coerced to: no function is called to find out.
bool is_null(const Node *node) {
    const auto any_argument = [](const List *arguments) {
        ListCell *cell;
        foreach (cell, arguments) {
            if (is_null(static_cast<const Node *>(lfirst(cell)))) {
                return true;
            }
        }
        return false;
    };
    switch (nodeTag(node)) {
    case T_Const:
        return reinterpret_cast<const Const *>(node)->constisnull;
    case T_RelabelType:
        return is_null(reinterpret_cast<const Node *>(reinterpret_cast<const RelabelType *>(node)->arg));
    case T_CoerceViaIO:
        return is_null(reinterpret_cast<const Node *>(reinterpret_cast<const CoerceViaIO *>(node)->arg));
    case T_ArrayCoerceExpr:
        return is_null(reinterpret_cast<const Node *>(reinterpret_cast<const ArrayCoerceExpr *>(node)->arg));
    case T_CoerceToDomain:
        return is_null(reinterpret_cast<const Node *>(reinterpret_cast<const CoerceToDomain *>(node)->arg));
    case T_CollateExpr:
        return is_null(reinterpret_cast<const Node *>(reinterpret_cast<const CollateExpr *>(node)->arg));
    case T_FuncExpr: {
        const auto *call = reinterpret_cast<const FuncExpr *>(node);
        return func_strict(call->funcid) && any_argument(call->args);
    }
    case T_OpExpr: {
        const auto *operation = reinterpret_cast<const OpExpr *>(node);
        return func_strict(operation->opfuncid) && any_argument(operation->args);
    }
    default:
        return false;
    }
}

bool note_function(Oid function, void *context) {
    auto *found = static_cast<Volatiles *>(context);
    if (func_volatile(function) == PROVOLATILE_VOLATILE) {
        found->any = true;
        found->refused = is_harmless(function) ? found->refused : function;
    }
    return false;
}

bool find_volatiles(Node *node, Volatiles *found) {
    if (node == nullptr) {
        return false;
    }
    if (IsA(node, Var) && castNode(Var, node)->varattno == InvalidAttrNumber) {
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("cannot use the whole row in a rule for anonymization"),
                        errhint("Name the columns.")));
    }
    check_functions_in_node(node, note_function, found);
    if (IsA(node, NextValueExpr)) {
        found->any = true;
        found->refused = F_NEXTVAL;
    }
    return expression_tree_walker(node, compat::walker(find_volatiles), found);
}

const char *deparse(Oid relation, Node *tree) {
    int nest_level = pin_session();
    List *context = deparse_context_for(get_rel_name(relation), relation);
    const char *text = deparse_expression(tree, context, false, false);
    unpin_session(nest_level);
    return text;
}

// In sub-queries as well, with the depth at which the table's row is meant.
struct RowSearch {
    int depth;
};

bool reads_whole_row(Node *node, void *context) {
    auto *search = static_cast<RowSearch *>(context);
    if (node == nullptr) {
        return false;
    }
    if (IsA(node, Var)) {
        const Var *variable = castNode(Var, node);
        return static_cast<int>(variable->varlevelsup) == search->depth && variable->varno == 1
               && variable->varattno == InvalidAttrNumber;
    }
    if (IsA(node, Query)) {
        search->depth++;
        bool found = query_tree_walker(castNode(Query, node), compat::walker(reads_whole_row), context, 0);
        search->depth--;
        return found;
    }
    return expression_tree_walker(node, compat::walker(reads_whole_row), context);
}

AttrNumber get_attribute(Oid relation, const char *column) {
    AttrNumber attribute = get_attnum(relation, column);
    if (attribute <= 0) {
        ereport(ERROR,
                (errcode(ERRCODE_UNDEFINED_COLUMN),
                 errmsg("column \"%s\" of relation \"%s\" does not exist", column, get_rel_name(relation))));
    }
    return attribute;
}

} // namespace

ColumnExpression parse_column_expression(Oid relation, const std::string &column, const std::string &text) {
    struct Result {
        Node *tree;
        const char *text;
        bool is_null;
        bool reads_columns;
        bool is_volatile;
        const char *refused;
    };

    Result result = call([&] {
        Result found = {};
        found.tree = analyze(relation, get_attribute(relation, column.c_str()), text.c_str());
        found.text = deparse(relation, found.tree);
        found.is_null = is_null(found.tree);
        found.reads_columns = contain_var_clause(found.tree);
        Volatiles volatiles = {};
        find_volatiles(found.tree, &volatiles);
        found.is_volatile = volatiles.any;
        found.refused = OidIsValid(volatiles.refused) ? get_func_name(volatiles.refused) : "";
        return found;
    });
    return {result.tree,          result.text,        result.is_null,
            result.reads_columns, result.is_volatile, result.refused};
}

Node *analyze_column_expression(Oid relation, const std::string &column, const std::string &text) {
    return call([&] { return analyze(relation, get_attribute(relation, column.c_str()), text.c_str()); });
}

bool is_made_from(Relation relation, AttrNumber column, const Bitmapset *columns) {
    if (bms_is_member(column - FirstLowInvalidHeapAttributeNumber, columns)) {
        return true;
    }
    TupleDesc described = RelationGetDescr(relation);
    if (TupleDescAttr(described, column - 1)->attgenerated == '\0') {
        return false;
    }
    Bitmapset *read = nullptr;
    for (int i = 0; i < described->constr->num_defval; i++) {
        const AttrDefault &expression = described->constr->defval[i];
        if (expression.adnum == column) {
            pull_varattnos(static_cast<Node *>(stringToNode(expression.adbin)), 1, &read);
        }
    }
    return bms_overlap(read, columns);
}

std::string deparse_for_copy(Oid relation, const std::string &copy, const std::string &tree) {
    return call([&] {
        auto *parsed = static_cast<Node *>(stringToNode(tree.c_str()));
        RowSearch search = {0};
        if (reads_whole_row(parsed, &search)) {
            ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                            errmsg("a policy of table \"%s\" that reads the whole row cannot be given to its "
                                   "archive",
                                   get_rel_name(relation)),
                            errhint("Name the columns in the policy, or leave admin_roles out.")));
        }
        int nest_level = pin_session();
        const char *text =
            deparse_expression(parsed, deparse_context_for(copy.c_str(), relation), false, false);
        unpin_session(nest_level);
        return text;
    });
}

std::string deparse_column_expression(Oid relation, Node *tree) {
    return call([&] { return deparse(relation, tree); });
}

} // namespace softdelete::pg
