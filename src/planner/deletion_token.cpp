// Our calls are told from those that a client writes by their form (planner/expressions), which text does not keep: on the node
// that is asked a token in that form is ours, and a shard's node knows none but those that have come as text.
#include "planner/deletion_token.hpp"

#include "pg/compat.hpp"
#include "planner/expressions.hpp"
#include "session/extension_functions.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
}

namespace softdelete::planner {

namespace {

bool is_token(Node *node) {
    return node != nullptr && IsA(node, FuncExpr)
           && castNode(FuncExpr, node)->funcid == session::find_extension_functions()->as_deletion;
}

[[noreturn]] void refuse_token() {
    ereport(ERROR,
            (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied for function as_deletion"),
             errdetail("Only softdelete calls it, in statements on tables of Citus.")));
    pg_unreachable();
}

bool find_forged(Node *node, void *context) {
    if (node == nullptr) {
        return false;
    }
    if (is_token(node) && !is_own_call(castNode(FuncExpr, node))) {
        return true;
    }
    if (IsA(node, Query)) {
        return query_tree_walker(castNode(Query, node), pg::compat::walker(find_forged), context, 0);
    }
    return expression_tree_walker(node, pg::compat::walker(find_forged), context);
}

// The conditions without tokens, which go to a list.
Node *without_tokens(Node *condition, List **tokens) {
    if (is_token(condition)) {
        *tokens = lappend(*tokens, condition);
        return nullptr;
    }
    if (condition == nullptr || !is_andclause(condition)) {
        return condition;
    }
    List *rest = NIL;
    ListCell *cell;
    foreach (cell, castNode(BoolExpr, condition)->args) {
        Node *part = without_tokens(static_cast<Node *>(lfirst(cell)), tokens);
        rest = part == nullptr ? rest : lappend(rest, part);
    }
    return rest == NIL ? nullptr : reinterpret_cast<Node *>(make_ands_explicit(rest));
}

} // namespace

void add_token(Query *query, const session::RegisteredTable &table) {
    const session::ExtensionFunctions *functions = session::find_extension_functions();
    Index target = static_cast<Index>(query->resultRelation);
    Node *token = make_call(
        functions->as_deletion, BOOLOID,
        list_make2(make_column(table.relation, target, table.deleted_at),
                   make_call(functions->token, TEXTOID, list_make1(make_regclass(table.relation)))));
    add_condition(&query->jointree->quals, token);
}

bool has_own_token(Query *query) {
    List *tokens = NIL;
    if (query->jointree != nullptr) {
        (void)without_tokens(query->jointree->quals, &tokens);
    }
    return tokens != NIL && is_own_call(linitial_node(FuncExpr, tokens));
}

void refuse_forged_token(Query *query) {
    if (query_tree_walker(query, pg::compat::walker(find_forged), nullptr, 0)) {
        refuse_token();
    }
}

bool has_token(Query *query) {
    List *tokens = NIL;
    if (query->jointree != nullptr) {
        (void)without_tokens(query->jointree->quals, &tokens);
    }
    if (list_length(tokens) > 1) {
        refuse_token();
    }
    return tokens != NIL;
}

Node *take_token(Query *query, bool is_of_citus) {
    List *tokens = NIL;
    query->jointree->quals = without_tokens(query->jointree->quals, &tokens);
    Node *token = static_cast<Node *>(lsecond(linitial_node(FuncExpr, tokens)->args));
    if (IsA(token, Const) && !castNode(Const, token)->constisnull) {
        return token;
    }
    const session::ExtensionFunctions *functions = session::find_extension_functions();
    if (!is_of_citus || !IsA(token, FuncExpr) || castNode(FuncExpr, token)->funcid != functions->token) {
        refuse_token();
    }
    return make_call(functions->token, TEXTOID, castNode(FuncExpr, token)->args);
}

} // namespace softdelete::planner
