// Names key columns as updated, or leaves them out of what an UPDATE names. The executor chooses the lock by
// ExecUpdateLockMode() in src/backend/executor/execMain.c. Called by planner/convert_delete and planner/convert_update.
#include "planner/key_locks.hpp"

#include "pg/column_expression.hpp"
#include "pg/compat.hpp"
#include "session/extension_functions.hpp"

extern "C" {
#include "commands/trigger.h"
#include "utils/relcache.h"
}

namespace softdelete::planner {

namespace {

// True where a trigger that fires for an update of certain columns is about one of these, or one generated from these.
bool has_trigger_on(Relation relation, const Bitmapset *columns) {
    const TriggerDesc *triggers = relation->trigdesc; // nothing is looked up
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
        const Trigger &trigger = triggers->triggers[i];
        for (int j = 0; j < trigger.tgnattr; j++) {
            if (pg::is_made_from(relation, trigger.tgattr[j], columns)) {
                return true;
            }
        }
    }
    return false;
}

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

// Columns that are generated from the key are computed, and rows are moved to their partition, by what is named as updated.
// Children may have either.
bool needs_names(Relation relation, const Bitmapset *columns) {
    const TupleConstr *constraints = RelationGetDescr(relation)->constr;
    return has_trigger_on(relation, columns) || relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE
           || relation->rd_rel->relhassubclass
           || (constraints != nullptr && constraints->has_generated_stored);
}

} // namespace

void lock_keys(Query *query, RangeTblEntry *rte, session::Statement *statement) {
    Relation relation = RelationIdGetRelation(rte->relid);
    if (has_lock_trigger(relation)) {
        Bitmapset *keys = RelationGetIndexAttrBitmap(relation, INDEX_ATTR_BITMAP_KEY);
        // Triggers of partitions and children are left out of a plain DELETE when it runs
        // (deletion/skipped_deletion_triggers).
        bool is_plain = query->canSetTag && !query->hasModifyingCTE;
        if (has_trigger_on(relation, keys) || (!is_plain && relation->rd_rel->relhassubclass)) {
            statement->notes |= session::note_lock_rows;
        } else {
            statement->notes |= session::note_key_locked;
            auto *permissions = pg::compat::permission_info(query, rte);
            permissions->updatedCols = bms_add_members(permissions->updatedCols, keys);
        }
    }
    RelationClose(relation);
}

void spare_keys(Query *query, RangeTblEntry *rte) {
    Relation relation = RelationIdGetRelation(rte->relid);
    Bitmapset *keys =
        has_lock_trigger(relation) ? RelationGetIndexAttrBitmap(relation, INDEX_ATTR_BITMAP_KEY) : nullptr;
    bool may_spare = bms_overlap(keys, pg::compat::permission_info(query, rte)->updatedCols)
                     && !needs_names(relation, keys);
    RelationClose(relation);
    if (!may_spare) {
        return;
    }
    pg::compat::move_permission_check(query, rte);
    auto *permissions = pg::compat::permission_info(query, rte);
    if ((permissions->requiredPerms & ACL_UPDATE) == 0) {
        permissions->updatedCols = bms_difference(permissions->updatedCols, keys);
    }
}

} // namespace softdelete::planner
