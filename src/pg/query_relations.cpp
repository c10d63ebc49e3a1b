// Called by planner/ and session/ for what they look for in a statement, or set in it.
#include "pg/query_relations.hpp"

#include "pg/compat.hpp"

extern "C" {
#include "nodes/nodeFuncs.h"
}

namespace softdelete::pg {

namespace {

struct Search {
    TakeRelation take;
    void *context;
};

bool search_node(Node *node, Search *search) {
    if (node == nullptr) {
        return false;
    }
    auto walker = compat::walker(search_node);
    if (!IsA(node, Query)) {
        return expression_tree_walker(node, walker, search);
    }
    Query *query = castNode(Query, node);
    ListCell *cell;
    foreach (cell, query->rtable) {
        RangeTblEntry *entry = lfirst_node(RangeTblEntry, cell);
        if (entry->rtekind == RTE_RELATION && search->take(query, entry, search->context)) {
            return true;
        }
    }
    return query_tree_walker(query, walker, search, 0);
}

} // namespace

bool find_relation_entry(Query *query, TakeRelation take, void *context) {
    Search search = {take, context};
    return search_node(reinterpret_cast<Node *>(query), &search);
}

} // namespace softdelete::pg
