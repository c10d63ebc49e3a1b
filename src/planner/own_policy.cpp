// Security conditions carry no name, so that ours is told by being equal to the policy in the relation cache; a check
// option carries its policy's name.
#include "planner/own_policy.hpp"

#include "model/policy_names.hpp"

extern "C" {
#include "nodes/makefuncs.h"
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

bool is_row_security_check(WCOKind kind) {
    return kind != WCO_VIEW_CHECK;
}

} // namespace

void remove_own_policy(RangeTblEntry *rte, Index reference, const RegisteredTable &table) {
    if (table.visibility != TableVisibility::rls || rte->securityQuals == NIL) {
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

List *remove_own_checks(List *options, const RegisteredTable &table) {
    if (table.visibility != TableVisibility::rls) {
        return options;
    }
    List *kept = NIL;
    ListCell *cell;
    foreach (cell, options) {
        WithCheckOption *option = lfirst_node(WithCheckOption, cell);
        bool is_ours = option->polname != nullptr && strcmp(option->polname, model::live_policy) == 0;
        if (!is_row_security_check(option->kind) || !(is_ours || is_true(option->qual))) {
            kept = lappend(kept, option);
        }
    }
    return kept;
}

} // namespace softdelete::planner
