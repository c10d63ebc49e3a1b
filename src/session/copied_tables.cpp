// A list for as long as the session lives: copies and drops are steps of one migration, each perhaps in a transaction of its
// own. That a copy was rolled back does no harm.
#include "session/copied_tables.hpp"

#include "pg/compat.hpp"
#include "session/extension_functions.hpp"
#include "session/registered_table.hpp"
#include "settings.hpp"

extern "C" {
#include "catalog/partition.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
}

namespace softdelete::session {

namespace {

List *copied = NIL; // OIDs, in memory of the session's

// What a query reads, and whether it says itself that it takes deleted rows along.
struct Reading {
    List *tables; // OIDs
    bool includes_deleted;
};

bool read(Node *node, Reading *reading) {
    if (node == nullptr) {
        return false;
    }
    if (IsA(node, FuncExpr)) {
        const ExtensionFunctions *functions = find_extension_functions();
        reading->includes_deleted =
            reading->includes_deleted
            || (functions != nullptr && castNode(FuncExpr, node)->funcid == functions->include_deleted);
    }
    if (!IsA(node, Query)) {
        return expression_tree_walker(node, pg::compat::walker(read), reading);
    }
    Query *query = castNode(Query, node);
    int number = 0;
    ListCell *cell;
    foreach (cell, query->rtable) {
        const RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);
        number++;
        // What a DELETE returns is moved.
        bool is_read = rte->rtekind == RTE_RELATION
                       && (number != query->resultRelation || query->commandType == CMD_DELETE);
        if (is_read && (rte->relkind == RELKIND_RELATION || rte->relkind == RELKIND_PARTITIONED_TABLE)) {
            reading->tables = list_append_unique_oid(reading->tables, rte->relid);
        }
    }
    return query_tree_walker(query, pg::compat::walker(read), reading, 0);
}

// Do its queries see live rows only?
bool is_filtered(Oid relation) {
    RegisteredTable table;
    return find_registered_table(relation, &table) && table.visibility != TableVisibility::view;
}

void note(Oid relation, bool is_whole) {
    if (is_whole) {
        copied = list_delete_oid(copied, relation);
    } else if (is_filtered(relation)) {
        MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
        copied = list_append_unique_oid(copied, relation);
        MemoryContextSwitchTo(caller);
    }
}

bool sees_all() {
    return !row_security || settings::visibility() == settings::Visibility::all;
}

} // namespace

void note_copied_tables(Query *query) {
    if (find_extension_functions() == nullptr) {
        return;
    }
    Reading reading = {};
    (void)read(reinterpret_cast<Node *>(query), &reading);
    ListCell *cell;
    Oid target =
        query->resultRelation == 0 ? InvalidOid : rt_fetch(query->resultRelation, query->rtable)->relid;
    foreach (cell, reading.tables) {
        if (lfirst_oid(cell) != target) {
            note(lfirst_oid(cell), sees_all() || reading.includes_deleted);
        }
    }
    list_free(reading.tables);
}

void note_copied_table(Oid relation) {
    note(relation, sees_all());
}

bool was_copied(Oid relation) {
    if (list_member_oid(copied, relation)) {
        return true;
    }
    ListCell *cell;
    foreach (cell, get_rel_relispartition(relation) ? get_partition_ancestors(relation) : NIL) {
        if (list_member_oid(copied, lfirst_oid(cell))) {
            return true;
        }
    }
    return false;
}

} // namespace softdelete::session
