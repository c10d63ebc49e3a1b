// The constraint trigger of tables that reference a registered table: no live row newly references a deleted one. It
// fires after the server's own check, which has locked the parent row FOR KEY SHARE and so has waited for whoever was
// deleting it. Plain server code.
#include "deletion/find_parent.hpp"
#include "deletion/foreign_key_errors.hpp"
#include "deletion/skipped_triggers.hpp"
#include "model/trigger_names.hpp"
#include "pg/compat.hpp"
#include "restore/restore_statement.hpp"
#include "session/registered_table.hpp"
#include "session/running_statements.hpp"
#include "triggers/current_row.hpp"
#include "triggers/trigger_call.hpp"

extern "C" {
#include "catalog/partition.h"
#include "catalog/pg_trigger.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
}

#include <cstring>

namespace softdelete {

namespace {

constexpr triggers::TriggerShape parent_check = {
    .function = "check_parent",
    .name = model::parent_check_prefix,
    .is_prefix = true,
    .types = {TRIGGER_TYPE_AFTER | TRIGGER_TYPE_ROW | TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE},
    .arguments = 1,
    .is_constraint = true,
    .described = "AFTER INSERT OR UPDATE FOR EACH ROW",
};

using triggers::get_new_row;
using triggers::get_old_row;

// The keys that this trigger stands for: the one that it names, or all to its table if that one was renamed.
List *find_keys(const TriggerData *data) {
    const Trigger *trigger = data->tg_trigger;
    List *keys = catalog::find_keys_to(data->tg_relation, trigger->tgconstrrelid);
    List *named = NIL;
    ListCell *cell;
    foreach (cell, keys) {
        const auto *key = static_cast<const catalog::ForeignKeyInfo *>(lfirst(cell));
        if (strcmp(NameStr(key->name), trigger->tgargs[0]) == 0) {
            named = lappend(named, lfirst(cell));
        }
    }
    return named != NIL ? named : keys;
}

// What the function needs of the table, found once per statement and partition.
struct ChildTable {
    session::RegisteredTable table;
    bool is_registered;
    List *keys; // null until a row needs them
};

ChildTable *get_child_table(FunctionCallInfo call, const TriggerData *data) {
    if (call->flinfo->fn_extra == nullptr) {
        auto *found =
            static_cast<ChildTable *>(MemoryContextAllocZero(call->flinfo->fn_mcxt, sizeof(ChildTable)));
        found->is_registered =
            session::find_registered_table(RelationGetRelid(data->tg_relation), &found->table);
        call->flinfo->fn_extra = found;
    }
    return static_cast<ChildTable *>(call->flinfo->fn_extra);
}

List *get_keys(FunctionCallInfo call, const TriggerData *data, ChildTable *child) {
    if (child->keys == NIL) {
        MemoryContext caller = MemoryContextSwitchTo(call->flinfo->fn_mcxt);
        child->keys = find_keys(data);
        MemoryContextSwitchTo(caller);
    }
    return child->keys;
}

bool is_linked(const catalog::ForeignKeyInfo &key, HeapTuple row, Relation relation) {
    for (int i = 0; i < key.columns; i++) {
        if (triggers::is_null(row, key.child_columns[i], relation)) {
            return false;
        }
    }
    return true;
}

bool has_same_link(const catalog::ForeignKeyInfo &key, HeapTuple left, HeapTuple right, Relation relation) {
    for (int i = 0; i < key.columns; i++) {
        Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), key.child_columns[i] - 1);
        bool left_null = true;
        bool right_null = true;
        Datum left_value = heap_getattr(left, key.child_columns[i], RelationGetDescr(relation), &left_null);
        Datum right_value =
            heap_getattr(right, key.child_columns[i], RelationGetDescr(relation), &right_null);
        if (left_null != right_null
            || (!left_null && !datum_image_eq(left_value, right_value, column->attbyval, column->attlen))) {
            return false;
        }
    }
    return true;
}

bool writes(const QueryDesc *statement, Oid relation) {
    bool found = false;
    pg::compat::for_each_result_relation(statement->plannedstmt, [&](Oid target) {
        found =
            found || target == relation
            || (get_rel_relispartition(target) && list_member_oid(get_partition_ancestors(target), relation));
    });
    return found;
}

bool updates_just(const TriggerData *data, const catalog::ForeignKeyInfo &key) {
    for (int i = 0; i < key.columns; i++) {
        if (!bms_is_member(key.child_columns[i] - FirstLowInvalidHeapAttributeNumber, data->tg_updatedcols)) {
            return false;
        }
    }
    return bms_num_members(data->tg_updatedcols) == key.columns;
}

// Is the event the key's own ON UPDATE CASCADE, which leaves the row with the parent that it had? The server's action
// writes just the key's columns, by a later command of the statement that changes the parent, and leaves the triggers to
// that one.
bool follows_parent(const catalog::ForeignKeyInfo &key, const TriggerData *data) {
    if (key.on_update != FKCONSTR_ACTION_CASCADE || !session::is_statement_finishing()
        || !updates_just(data, key) || deletion::has_changing_trigger(data->tg_relation)) {
        return false;
    }
    const QueryDesc *statement = session::running_statement();
    return HeapTupleHeaderGetCmin(data->tg_newtuple->t_data) > statement->estate->es_output_cid
           && writes(statement, key.parent);
}

// Is the key one that all rows of the table have, not that of a partition of it alone?
bool is_key_of_all(const catalog::ForeignKeyInfo &key, Oid table) {
    catalog::ForeignKeyInfo root;
    return catalog::find_foreign_key(key.root, &root)
           && (root.child == table
               || (get_rel_relispartition(table)
                   && list_member_oid(get_partition_ancestors(table), root.child)));
}

// Does the plan's UPDATE of the table, or of one that it is a partition of, assign a column of the key, or bring rows to
// it that had no such key? True also where no such UPDATE is found.
bool assigns(const PlannedStmt *plan, const catalog::ForeignKeyInfo &key) {
    List *line = lcons_oid(key.child, get_partition_ancestors(key.child));
    ListCell *cell;
    foreach (cell, plan->rtable) {
        RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);
        const Bitmapset *updated = rte->rtekind == RTE_RELATION && list_member_oid(line, rte->relid)
                                       ? pg::compat::updated_columns(plan, rte)
                                       : nullptr;
        if (updated == nullptr) {
            continue;
        }
        if (!is_key_of_all(key, rte->relid)) {
            return true;
        }
        for (int i = 0; i < key.columns; i++) {
            AttrNumber column = get_attnum(rte->relid, get_attname(key.child, key.child_columns[i], false));
            if (bms_is_member(column - FirstLowInvalidHeapAttributeNumber, updated)) {
                return true;
            }
        }
        return false;
    }
    return true;
}

// Is the event the second half of a move to another partition, by an UPDATE that leaves the key's columns alone? The server
// fires AFTER INSERT for it, and nothing leads from the new row to the one that it was: the plan has to tell.
bool is_moved_as_linked(const catalog::ForeignKeyInfo &key, const TriggerData *data) {
    const QueryDesc *statement = session::running_statement();
    if (statement == nullptr || !session::is_statement_finishing()
        || !data->tg_relation->rd_rel->relispartition) {
        return false;
    }
    const PlannedStmt *plan = statement->plannedstmt;
    return plan->commandType == CMD_UPDATE && !plan->hasModifyingCTE && !assigns(plan, key)
           && !deletion::has_changing_trigger(data->tg_relation);
}

// What the event asks of a key.
enum class Question { none, new_link, restored };

Question get_question(const catalog::ForeignKeyInfo &key, const TriggerData *data,
                      const session::RegisteredTable *child) {
    HeapTuple new_row = get_new_row(data);
    HeapTuple old_row = get_old_row(data);
    if (!is_linked(key, new_row, data->tg_relation)) {
        return Question::none;
    }
    if (old_row == nullptr && (restore::is_restore_statement() || is_moved_as_linked(key, data))) {
        return Question::none;
    }
    // A row that comes back from an archive has the link that SET NULL has left to it.
    if (old_row == nullptr && !catalog::binds(key) && restore::is_moving_back()) {
        return Question::none;
    }
    if (old_row == nullptr || !has_same_link(key, old_row, new_row, data->tg_relation)) {
        return old_row != nullptr && follows_parent(key, data) ? Question::none : Question::new_link;
    }
    bool is_restored = child != nullptr && !triggers::is_null(old_row, child->deleted_at, data->tg_relation);
    return is_restored && catalog::binds(key) && !restore::is_restore_statement() ? Question::restored
                                                                                  : Question::none;
}

bool is_live(HeapTuple row, const TriggerData *data, const session::RegisteredTable *table) {
    return table == nullptr || triggers::is_null(row, table->deleted_at, data->tg_relation);
}

// Had the row its link already when this transaction deleted the parent? A key that is checked at the end of the
// transaction asks about links that SET NULL and SET DEFAULT keep.
bool was_linked_before(const catalog::ForeignKeyInfo &key, const TriggerData *data,
                       const deletion::Parent &parent) {
    return !catalog::binds(key) && parent.written_by != InvalidCommandId
           && HeapTupleHeaderGetCmin(get_new_row(data)->t_data) < parent.written_by;
}

// Is it the parent that the row had when the statement began, whose key has changed since? Answers where a trigger of the
// table's might have changed the link: an ON UPDATE CASCADE is told from that by the parent.
bool keeps_parent(const catalog::ForeignKeyInfo &key, const TriggerData *data, HeapTuple row) {
    HeapTuple old_row = get_old_row(data);
    const QueryDesc *statement = session::running_statement();
    return old_row != nullptr && statement != nullptr && session::is_statement_finishing()
           && is_linked(key, old_row, data->tg_relation)
           && deletion::is_same_parent(key, data->tg_relation, old_row, statement->estate->es_snapshot, row);
}

// Did an ON UPDATE CASCADE bring the row to another partition, and is its parent one that the statement deletes? Then the
// statement's cascade, which is still to come, sees to the row. A referential action writes by a later command than the
// statement, and leaves the triggers to it.
bool moves_with_parent(const catalog::ForeignKeyInfo &key, const TriggerData *data,
                       const deletion::Parent &parent) {
    if (get_old_row(data) != nullptr || !data->tg_relation->rd_rel->relispartition
        || key.on_update != FKCONSTR_ACTION_CASCADE || !session::is_statement_finishing()) {
        return false;
    }
    CommandId command = session::running_statement()->estate->es_output_cid;
    return parent.written_by == command && HeapTupleHeaderGetCmin(get_new_row(data)->t_data) > command;
}

} // namespace

extern "C" {

// Deferrable as its key is: (the key's name).
PG_FUNCTION_INFO_V1(softdelete_check_parent);

PGDLLEXPORT Datum softdelete_check_parent(PG_FUNCTION_ARGS) {
    TriggerData *data = triggers::get_trigger_data(fcinfo, parent_check);
    ChildTable *child = get_child_table(fcinfo, data);
    const session::RegisteredTable *table = child->is_registered ? &child->table : nullptr;
    HeapTuple row = nullptr;
    if (!is_live(get_new_row(data), data, table)) {
        return Datum{0};
    }
    ListCell *cell;
    foreach (cell, get_keys(fcinfo, data, child)) {
        const auto *key = static_cast<const catalog::ForeignKeyInfo *>(lfirst(cell));
        Question question = get_question(*key, data, table);
        if (question == Question::none) {
            continue;
        }
        row = row == nullptr ? triggers::find_current_row(data) : row;
        // Where the link has changed again since, that event asks for itself.
        if (row == nullptr || !is_live(row, data, table)
            || !has_same_link(*key, get_new_row(data), row, data->tg_relation)) {
            continue;
        }
        // The server's own check has locked the parent of a new link, but does not look at a restored row.
        bool must_lock = question == Question::restored;
        deletion::Parent parent = deletion::find_parent(*key, data->tg_relation, row, must_lock);
        bool is_below_deleted =
            parent.state == deletion::ParentState::deleted
            && !restore::ComingBackScope::contains(parent.deletion, parent.table, &parent.place);
        if (is_below_deleted && !was_linked_before(*key, data, parent)
            && !(question == Question::new_link
                 && (moves_with_parent(*key, data, parent) || keeps_parent(*key, data, row)))) {
            deletion::report_not_present(*key, data->tg_relation, row);
        }
    }
    return Datum{0};
}

} // extern "C"

} // namespace softdelete
