// Whose rights a reference needs and whose policies apply to it is one field of the server's, which views use likewise.
#include "planner/mark_references.hpp"

#include "pg/compat.hpp"
#include "pg/relations.hpp"
#include "planner/recycle_bin.hpp"
#include "session/own_statement.hpp"

extern "C" {
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

} // namespace

void mark_own_statement(const char *text, Query *query) {
    const session::OwnTraits *own = session::find_own_statement(text);
    if (own == nullptr || own->reading == OwnReading::as_said) {
        return;
    }
    OwnReading reading = own->reading;
    mark_references(reinterpret_cast<Node *>(query), &reading);
}

} // namespace softdelete::planner
