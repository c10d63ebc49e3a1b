// Whose rights a reference needs and whose policies apply to it is one field of the server's, which views use likewise.
#include "planner/mark_references.hpp"

#include "pg/compat.hpp"
#include "pg/relations.hpp"
#include "planner/recycle_bin.hpp"
#include "session/members_owners.hpp"
#include "session/own_statement.hpp"

extern "C" {
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
}

namespace softdelete::planner {

namespace {

using session::OwnReading;

bool mark_references(Node *node, OwnReading *reading) {
    if (node == nullptr) {
        return false;
    }
    auto walker = pg::compat::walker(mark_references);
    if (!IsA(node, Query)) {
        return expression_tree_walker(node, walker, reading);
    }
    Query *query = castNode(Query, node);
    ListCell *cell;
    foreach (cell, query->rtable) {
        RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);
        if (rte->rtekind != RTE_RELATION) {
            continue;
        }
        if (*reading == OwnReading::as_owners) {
            pg::compat::permission_info(query, rte)->checkAsUser = pg::get_owner(rte->relid);
        } else {
            set_scope(rte, Scope::past_policy);
        }
    }
    return query_tree_walker(query, walker, reading, 0);
}

bool names_others_table(Node *node, void *context) {
    if (node == nullptr) {
        return false;
    }
    auto walker = pg::compat::walker(names_others_table);
    if (!IsA(node, Query)) {
        return expression_tree_walker(node, walker, context);
    }
    Query *query = castNode(Query, node);
    ListCell *cell;
    foreach (cell, query->rtable) {
        const auto *rte = lfirst_node(RangeTblEntry, cell);
        if (rte->rtekind == RTE_RELATION && pg::get_owner(rte->relid) != GetUserId()) {
            return true;
        }
    }
    return query_tree_walker(query, walker, context, 0);
}

bool refuse_members(Node *node, void *context) {
    if (node == nullptr) {
        return false;
    }
    auto walker = pg::compat::walker(refuse_members);
    if (!IsA(node, Query)) {
        return expression_tree_walker(node, walker, context);
    }
    Query *query = castNode(Query, node);
    ListCell *cell;
    foreach (cell, query->rtable) {
        const auto *rte = lfirst_node(RangeTblEntry, cell);
        if (rte->rtekind == RTE_RELATION && rte->inh) {
            session::refuse_members_as_owner(rte->relid);
        }
    }
    return query_tree_walker(query, walker, context, 0);
}

} // namespace

void refuse_others_members(const char *text, Query *query, bool is_foreign_key) {
    if (session::is_planned_in_command(text, is_foreign_key)) {
        (void)refuse_members(reinterpret_cast<Node *>(query), nullptr);
    }
}

// A DELETE from several tables comes from purge/purge_cycle, which has looked for such code itself.
bool is_planned_as_owner(const char *text, Query *query) {
    const session::OwnTraits *own = session::find_own_statement(text);
    return own == nullptr || own->reading != OwnReading::as_owners || query->hasModifyingCTE
           || !names_others_table(reinterpret_cast<Node *>(query), nullptr);
}

void mark_own_statement(const char *text, Query *query) {
    const session::OwnTraits *own = session::find_own_statement(text);
    if (own == nullptr || own->reading == OwnReading::as_said) {
        return;
    }
    OwnReading reading = own->reading;
    mark_references(reinterpret_cast<Node *>(query), &reading);
}

} // namespace softdelete::planner
