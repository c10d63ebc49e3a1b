// An UPDATE locks the old row as for a change of its key where it changes a column that the relation cache counts among those
// of keys (heap_update() in src/backend/access/heap/heapam.c); nothing else follows from that. In the session that deletes
// softly, deleted_at is counted among them. The trigger of referenced tables locks their rows (triggers/on_soft_delete): there
// the server's checks of references ask what the key is. Called by hooks/executor_hook and api/statement_functions.
#include "deletion/lock_deleted_rows.hpp"

#include "session/extension_functions.hpp"
#include "session/plan_notes.hpp"
#include "session/registered_table.hpp"
#include "session/running_statements.hpp"

extern "C" {
#include "access/sysattr.h"
#include "commands/trigger.h"
#include "nodes/execnodes.h"
#include "utils/memutils.h"
#include "utils/relcache.h"
}

namespace softdelete::deletion {

namespace {

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

} // namespace

uint64 lock_deleted_row(uint64 answered) {
    if (answered == session::count_relation_changes()) {
        return answered;
    }
    uint64 before = session::count_relation_changes();
    if (const QueryDesc *query = session::running_statement()) {
        for_each_target(query, count_among_keys);
    }
    return before;
}

void lock_live_rows_as_ever(const QueryDesc *query) {
    bool may_leave = query->operation == CMD_UPDATE || query->operation == CMD_MERGE;
    if (may_leave && (session::notes_of_plan(query->plannedstmt) & session::note_soft) != 0
        && session::find_extension_functions() != nullptr) {
        for_each_target(query, count_no_longer);
    }
}

} // namespace softdelete::deletion
