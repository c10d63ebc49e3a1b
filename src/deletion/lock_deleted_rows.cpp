// An UPDATE locks the old row as for a change of its key where it changes a column that the relation cache counts among those
// of keys (heap_update() in src/backend/access/heap/heapam.c); nothing else follows from that. In the session that deletes
// softly, deleted_at is counted among them. The trigger of referenced tables locks their rows (triggers/on_soft_delete): there
// the server's checks of references ask what the key is. Called by hooks/executor_hook, api/statement_functions and
// deletion/settle_rows.
//
// The relation cache forgets where the session hears of a change of the table. So it hears of all of them beforehand, and
// again after triggers have run. What is left is a change of which a CHECK constraint or a generated column comes to hear while
// a row is on its way, or the executor when it opens the indexes of one of several partitions: that row is locked as any other
// update locks it.
#include "deletion/lock_deleted_rows.hpp"

#include "session/extension_functions.hpp"
#include "session/plan_notes.hpp"
#include "session/registered_table.hpp"
#include "session/running_statements.hpp"

extern "C" {
#include "access/sysattr.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/relcache.h"
}

namespace softdelete::deletion {

namespace {

bool counted_somewhere = false; // in a table, once in this session

bool has_lock_trigger(Relation relation) {
    const session::ExtensionFunctions *functions = session::find_extension_functions();
    const TriggerDesc *triggers = relation->trigdesc; // nothing is looked up
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
        if (triggers->triggers[i].tgfoid == functions->lock_row) {
            return true;
        }
    }
    return false;
}

void count_among_keys(Relation relation, AttrNumber column) {
    bms_free(RelationGetIndexAttrBitmap(relation, INDEX_ATTR_BITMAP_KEY)); // has the cache filled
    MemoryContext caller = MemoryContextSwitchTo(CacheMemoryContext);
    relation->rd_keyattr = bms_add_member(relation->rd_keyattr, column - FirstLowInvalidHeapAttributeNumber);
    MemoryContextSwitchTo(caller);
}

// Where a trigger is to see the old row, the executor locks it by the columns that the statement names, be they changed or
// not.
void count_no_longer(Relation relation, AttrNumber column) {
    relation->rd_keyattr = bms_del_member(relation->rd_keyattr, column - FirstLowInvalidHeapAttributeNumber);
}

void for_each_target(const QueryDesc *query, void (*act)(Relation, AttrNumber)) {
    ListCell *cell;
    foreach (cell, query->estate->es_opened_result_relations) {
        Relation relation = lfirst_node(ResultRelInfo, cell)->ri_RelationDesc;
        session::RegisteredTable table;
        if (RELKIND_HAS_STORAGE(relation->rd_rel->relkind) && !has_lock_trigger(relation)
            && session::find_registered_table(RelationGetRelid(relation), &table)) {
            act(relation, table.deleted_at);
        }
    }
}

// The only one with rows; null where there are several.
ResultRelInfo *find_only_target(const QueryDesc *query) {
    ResultRelInfo *only = nullptr;
    ListCell *cell;
    foreach (cell, query->estate->es_opened_result_relations) {
        auto *target = lfirst_node(ResultRelInfo, cell);
        if (RELKIND_HAS_STORAGE(target->ri_RelationDesc->rd_rel->relkind)) {
            if (only != nullptr) {
                return nullptr;
            }
            only = target;
        }
    }
    return only;
}

// The executor does it for the first row, when that is on its way. Of several partitions, most may have no row to delete.
void open_indexes(const QueryDesc *query) {
    ResultRelInfo *target = query->operation == CMD_INSERT ? nullptr : find_only_target(query);
    if (target != nullptr && target->ri_RelationDesc->rd_rel->relhasindex
        && target->ri_IndexRelationDescs == nullptr) {
        MemoryContext caller = MemoryContextSwitchTo(query->estate->es_query_cxt);
        ExecOpenIndices(target, false);
        MemoryContextSwitchTo(caller);
    }
}

} // namespace

// What statements that triggers run do with the relation cache shows in the count as well; they count nothing out
// (lock_live_rows_as_ever()).
void lock_deleted_row() {
    AcceptInvalidationMessages();
    const QueryDesc *query = session::running_statement();
    if (query == nullptr || session::deletions_locked_at() == session::count_relation_changes()) {
        return;
    }
    open_indexes(query);
    uint64 changes = session::count_relation_changes();
    for_each_target(query, count_among_keys);
    session::note_locked_deletions(changes);
    counted_somewhere = true;
}

void lock_live_rows_as_ever(const QueryDesc *query) {
    bool may_leave = query->operation == CMD_UPDATE || query->operation == CMD_MERGE;
    if (counted_somewhere && may_leave && session::notes_of_plan(query->plannedstmt) != 0
        && session::find_extension_functions() != nullptr && !session::is_within_locked_deletions()) {
        for_each_target(query, count_no_longer);
    }
}

} // namespace softdelete::deletion
