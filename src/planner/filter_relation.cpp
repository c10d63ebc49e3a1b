// Puts the scope's condition on a relation as an ordinary restriction, without a security barrier: every operator and
// every partial index stays usable, and the plan is the one of a hand-written deleted_at IS NULL.
#include "planner/transform_query.hpp"

#include "planner/expressions.hpp"
#include "planner/recycle_bin.hpp"

extern "C" {
#include "nodes/pathnodes.h"
#include "optimizer/restrictinfo.h"
}

namespace softdelete::planner {

namespace {

// A branch of a flattened UNION ALL: apply_child_basequals() replaces its restrictions, but honours the entry's
// security conditions.
void filter_union_branch(PlannerInfo *root, RangeTblEntry *rte, Node *condition) {
    if (rte->securityQuals == NIL) {
        rte->securityQuals = list_make1(list_make1(condition));
    } else {
        List *first = linitial_node(List, rte->securityQuals);
        if (list_member(first, condition)) {
            return;
        }
        linitial(rte->securityQuals) = lappend(first, condition);
    }
    root->qual_security_level =
        Max(root->qual_security_level, static_cast<Index>(list_length(rte->securityQuals)));
}

// A partition or an inheritance child takes its conditions from the parent that the query names.
bool is_inheritance_child(PlannerInfo *root, RelOptInfo *relation) {
    if (relation->reloptkind != RELOPT_OTHER_MEMBER_REL) {
        return false;
    }
    Index parent = root->append_rel_array[relation->relid]->parent_relid;
    return root->simple_rte_array[parent]->rtekind == RTE_RELATION;
}

// Where the conditions of row security come to nothing they still set the level of the user's. The filter stands on that
// level: lower, it would keep what is not leakproof from using an index. It goes first all the same, since it costs
// nothing and leaks nothing (order_qual_clauses() in src/backend/optimizer/plan/createplan.c).
Index get_filter_level(PlannerInfo *root, const RangeTblEntry *rte) {
    ListCell *cell;
    foreach (cell, rte->securityQuals) {
        if (lfirst(cell) != nullptr) {
            return 0;
        }
    }
    return rte->securityQuals == NIL ? 0 : root->qual_security_level;
}

} // namespace

void filter_relation(PlannerInfo *root, RelOptInfo *relation) {
    RangeTblEntry *rte = root->simple_rte_array[relation->relid];
    if (rte->rtekind != RTE_RELATION) {
        return;
    }
    Scope scope = scope_of(rte);
    session::RegisteredTable table;
    if ((scope != Scope::live && scope != Scope::deleted) || is_inheritance_child(root, relation)
        || !session::find_registered_table(rte->relid, &table)) {
        return;
    }
    NullTestType test = scope == Scope::live ? IS_NULL : IS_NOT_NULL;
    Node *condition = make_deleted_test(table, relation->relid, test);
    if (relation->reloptkind == RELOPT_OTHER_MEMBER_REL) {
        filter_union_branch(root, rte, condition);
    } else {
        RestrictInfo *restriction = make_simple_restrictinfo(root, reinterpret_cast<Expr *>(condition));
        restriction->security_level = get_filter_level(root, rte);
        restriction->leakproof = restriction->security_level > 0;
        relation->baserestrictinfo = lappend(relation->baserestrictinfo, restriction);
        relation->baserestrict_min_security =
            Min(relation->baserestrict_min_security, restriction->security_level);
    }
}

} // namespace softdelete::planner
