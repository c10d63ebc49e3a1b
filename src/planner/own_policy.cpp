// Takes our row-security policy, and its check of new rows, out of statements that say more themselves. Called by
// planner/transform_query. Security conditions carry no name, so that ours is told by being equal to the policy in the
// relation cache; a check option carries its policy's name.
#include "planner/own_policy.hpp"

#include "model/policy_names.hpp"

extern "C" {
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteManip.h"
#include "rewrite/rowsecurity.h"
#include "utils/rel.h"
#include "utils/relcache.h"
}

#include <cstring>

namespace softdelete::planner {

namespace {

// The policy's condition for that reference; null where the table has no such policy.
Node *copy_own_condition(Oid relation_id, Index reference) {
    Relation relation = RelationIdGetRelation(relation_id);
    Node *condition = nullptr;
    ListCell *cell;
    // Nothing is looked up here.
    foreach (cell, relation->rd_rsdesc == nullptr ? NIL : relation->rd_rsdesc->policies) {
        const auto *policy = static_cast<const RowSecurityPolicy *>(lfirst(cell));
        if (strcmp(policy->policy_name, model::live_policy) == 0) {
            condition = static_cast<Node *>(copyObjectImpl(policy->qual));
            ChangeVarNodes(condition, 1, static_cast<int>(reference), 0);
        }
    }
    RelationClose(relation);
    return condition;
}

bool is_true(const Node *node) {
    const auto *constant = reinterpret_cast<const Const *>(node);
    return IsA(node, Const) && !constant->constisnull && DatumGetBool(constant->constvalue);
}

bool is_live_condition(const Node *node, Index reference, AttrNumber deleted_at) {
    if (node == nullptr || !IsA(node, NullTest)) {
        return false;
    }
    const auto *test = reinterpret_cast<const NullTest *>(node);
    if (test->nulltesttype != IS_NULL || !IsA(test->arg, Var)) {
        return false;
    }
    const auto *column = reinterpret_cast<const Var *>(test->arg);
    return column->varno == static_cast<int>(reference) && column->varattno == deleted_at
           && column->varlevelsup == 0;
}

// The condition without deleted_at IS NULL among what it ANDs together; TRUE where nothing else is there.
Node *without_live_condition(Node *node, Index reference, AttrNumber deleted_at) {
    if (is_live_condition(node, reference, deleted_at)) {
        return makeBoolConst(true, false);
    }
    if (!is_andclause(node)) {
        return node;
    }
    List *kept = NIL;
    ListCell *cell;
    foreach (cell, castNode(BoolExpr, node)->args) {
        Node *part = without_live_condition(static_cast<Node *>(lfirst(cell)), reference, deleted_at);
        if (!is_true(part)) {
            kept = lappend(kept, part);
        }
    }
    if (list_length(kept) <= 1) {
        return kept == NIL ? makeBoolConst(true, false) : static_cast<Node *>(linitial(kept));
    }
    return reinterpret_cast<Node *>(make_andclause(kept));
}

// A policy's condition as it stands for a reference, and without deleted_at IS NULL.
struct PolicyCondition {
    Node *said;
    Node *besides;
    bool is_permissive;
};

List *add_condition_of(List *conditions, const RowSecurityPolicy *policy, const Expr *expression,
                       Index reference, const session::RegisteredTable &table) {
    if (expression == nullptr) {
        return conditions;
    }
    auto *condition = static_cast<PolicyCondition *>(palloc(sizeof(PolicyCondition)));
    condition->said = static_cast<Node *>(copyObjectImpl(expression));
    ChangeVarNodes(condition->said, 1, static_cast<int>(reference), 0);
    bool is_ours = strcmp(policy->policy_name, model::live_policy) == 0;
    condition->besides =
        is_ours ? condition->said : without_live_condition(condition->said, reference, table.deleted_at);
    condition->is_permissive = policy->permissive;
    return lappend(conditions, condition);
}

// Of all policies; none where one has a sub-query, which the rewriter has been in, so that it is not told by being equal.
List *get_policy_conditions(Index reference, const session::RegisteredTable &table) {
    Relation relation = RelationIdGetRelation(table.relation);
    List *conditions = NIL;
    bool has_subquery = false;
    ListCell *cell;
    // Nothing is looked up here.
    foreach (cell, relation->rd_rsdesc == nullptr ? NIL : relation->rd_rsdesc->policies) {
        const auto *policy = static_cast<const RowSecurityPolicy *>(lfirst(cell));
        has_subquery = has_subquery || policy->hassublinks;
        conditions = add_condition_of(conditions, policy, policy->qual, reference, table);
        conditions = add_condition_of(conditions, policy, policy->with_check_qual, reference, table);
    }
    RelationClose(relation);
    return has_subquery ? NIL : conditions;
}

const PolicyCondition *find_condition(const Node *said, const List *conditions) {
    ListCell *cell;
    foreach (cell, conditions) {
        const auto *condition = static_cast<const PolicyCondition *>(lfirst(cell));
        if (equal(condition->said, said)) {
            return condition;
        }
    }
    return nullptr;
}

// The condition of one policy, or of several permissive ones: add_security_quals() in src/backend/rewrite/rowsecurity.c
// joins these by OR. Anything else stays as it is.
Node *adopt(Node *node, const List *conditions) {
    if (const PolicyCondition *condition = find_condition(node, conditions); condition != nullptr) {
        return static_cast<Node *>(copyObjectImpl(condition->besides));
    }
    if (!is_orclause(node)) {
        return node;
    }
    List *parts = NIL;
    ListCell *cell;
    foreach (cell, castNode(BoolExpr, node)->args) {
        const PolicyCondition *condition =
            find_condition(static_cast<const Node *>(lfirst(cell)), conditions);
        if (condition == nullptr || !condition->is_permissive) {
            return node;
        }
        parts = lappend(parts, copyObjectImpl(condition->besides));
    }
    return reinterpret_cast<Node *>(make_orclause(parts));
}

bool is_row_security_check(WCOKind kind) {
    return kind != WCO_VIEW_CHECK;
}

} // namespace

void adopt_policies(RangeTblEntry *rte, Index reference, const session::RegisteredTable &table) {
    if (table.visibility != session::TableVisibility::rls || rte->securityQuals == NIL) {
        return;
    }
    Node *own = copy_own_condition(table.relation, reference);
    if (own == nullptr || !list_member(rte->securityQuals, own)) {
        return;
    }
    List *conditions = get_policy_conditions(reference, table);
    ListCell *cell;
    foreach (cell, rte->securityQuals) {
        lfirst(cell) = adopt(static_cast<Node *>(lfirst(cell)), conditions);
    }
}

void remove_own_policy(RangeTblEntry *rte, Index reference, const session::RegisteredTable &table) {
    if (table.visibility != session::TableVisibility::rls || rte->securityQuals == NIL) {
        return;
    }
    Node *condition = copy_own_condition(table.relation, reference);
    if (condition != nullptr && list_member(rte->securityQuals, condition)) {
        rte->securityQuals = list_delete(rte->securityQuals, condition);
        if (rte->securityQuals == NIL) {
            rte->securityQuals = list_make1(makeBoolConst(true, false));
        }
    }
}

List *remove_own_checks(List *options, Index reference, const session::RegisteredTable &table) {
    if (table.visibility != session::TableVisibility::rls || options == NIL) {
        return options;
    }
    bool is_secured = copy_own_condition(table.relation, reference) != nullptr;
    List *conditions = is_secured ? get_policy_conditions(reference, table) : NIL;
    List *kept = NIL;
    ListCell *cell;
    foreach (cell, options) {
        WithCheckOption *option = lfirst_node(WithCheckOption, cell);
        bool is_ours = option->polname != nullptr && strcmp(option->polname, model::live_policy) == 0;
        if (is_row_security_check(option->kind) && option->kind != WCO_RLS_INSERT_CHECK) {
            option->qual = adopt(option->qual, conditions);
        }
        if (!is_row_security_check(option->kind) || !(is_ours || is_true(option->qual))) {
            kept = lappend(kept, option);
        }
    }
    return kept;
}

} // namespace softdelete::planner
