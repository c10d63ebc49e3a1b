// Inlines set-returning SQL functions before scopes are decided, as preprocess_function_rtes() in
// src/backend/optimizer/prep/prepjointree.c will do a little later. Called by planner/transform_query.
#include "planner/inline_functions.hpp"

#include "pg/compat.hpp"

extern "C" {
#include "nodes/makefuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/optimizer.h"
}

namespace softdelete::planner {

namespace {

// The planner's state as far as inline_function_in_from() looks at it.
PlannerInfo *make_planner_state(Query *query, ParamListInfo parameters) {
    PlannerInfo *root = makeNode(PlannerInfo);
    root->parse = query;
    root->glob = makeNode(PlannerGlobal);
    root->glob->boundParams = parameters;
    root->query_level = 1;
    return root;
}

} // namespace

void inline_functions(Query *query, session::Statement *statement) {
    PlannerInfo *root = nullptr;
    ListCell *cell;
    foreach (cell, query->rtable) {
        RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);
        if (rte->rtekind != RTE_FUNCTION) {
            continue;
        }
        if (root == nullptr) {
            root = make_planner_state(query, statement->parameters);
        }
        rte->functions =
            reinterpret_cast<List *>(eval_const_expressions(root, reinterpret_cast<Node *>(rte->functions)));
        Query *body = pg::compat::inline_function_in_from(root, rte);
        if (body != nullptr) {
            rte->rtekind = RTE_SUBQUERY;
            rte->subquery = body;
            rte->security_barrier = false;
            // rte->functions stays for makeWholeRowVar(), and goes in setrefs.c, as when the planner does it.
            rte->funcordinality = false;
        }
    }
    if (root != nullptr) {
        statement->invalidations = list_concat(statement->invalidations, root->glob->invalItems);
        statement->depends_on_role = statement->depends_on_role || root->glob->dependsOnRole;
    }
}

} // namespace softdelete::planner
