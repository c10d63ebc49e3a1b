// Entries are ordered by the time at which they were collected, while the row is locked, and within a transaction by the
// command that changed the row: a trigger may change a row once more before the first change is reported.
#include "history/collect_change.hpp"

#include "deletion/archived_row.hpp"
#include "deletion/open_deletions.hpp"
#include "history/changed_columns.hpp"
#include "history/key_text.hpp"
#include "history/own_columns.hpp"
#include "history/tracked_table.hpp"
#include "pg/compat.hpp"
#include "rows/collected_rows.hpp"
#include "session/running_statements.hpp"
#include "settings.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"
}

#include <cstring>

namespace softdelete::history {

namespace {

// Who and why, kept for the rows of a statement.
struct Author {
    Oid role;
    const char *actor_setting;
    const char *reason_setting;
    Datum actor;
    Datum reason; // 0 for none
};

struct Entry {
    Kind kind;
    CommandId command;
    const bytea *changed; // of an UPDATE, else null
    int64 deletion;       // 0 for none
    Datum other_key;      // 0 for none
};

// The old row of an UPDATE that moves it, until the new one comes. Owns its memory context. A statement has one at most: its
// triggers fire for the one half right after the other, but for those of the old partition, which may run statements.
struct Move {
    MemoryContext memory;
    Oid root;
    Oid partition;
    CommandId command;
    int depth; // of the statement among those that run
    int nest_level;
    HeapTuple row;
    Move *next;
};

Move *pending_moves = nullptr;

const TrackedTable &get_table(Relation relation) {
    const TrackedTable *table = find_tracked_table(RelationGetRelid(relation));
    if (table == nullptr && is_history_missing(RelationGetRelid(relation))) {
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("the history of table \"%s\" is missing", RelationGetRelationName(relation)),
                        errdetail("Somebody has dropped it, and left the table."),
                        errhint("Run softdelete.track_history(), which begins a new one, or "
                                "softdelete.untrack_history(), which ends it."),
                        errtable(relation)));
    }
    if (table == nullptr) {
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("the history of table \"%s\" is not known", RelationGetRelationName(relation)),
                        errdetail("The table has the trigger that records its changes, but no entry of "
                                  "softdelete_internal.tracked_table."),
                        errhint("Run softdelete.untrack_history(), which removes the trigger."),
                        errtable(relation)));
    }
    return *table;
}

bool is_same_text(const char *one, const char *other) {
    return one == other || (one != nullptr && other != nullptr && strcmp(one, other) == 0);
}

const char *copy_text(MemoryContext memory, const char *text) {
    return text == nullptr ? nullptr : MemoryContextStrdup(memory, text);
}

// The settings may change between two rows of a statement, by a trigger.
const Author &get_author(FunctionCallInfo call) {
    auto *author = static_cast<Author *>(call == nullptr ? nullptr : call->flinfo->fn_extra);
    if (author != nullptr && author->role == GetOuterUserId()
        && is_same_text(author->actor_setting, settings::actor())
        && is_same_text(author->reason_setting, settings::reason())) {
        return *author;
    }
    MemoryContext memory = call == nullptr ? CurrentMemoryContext : call->flinfo->fn_mcxt;
    MemoryContext caller = MemoryContextSwitchTo(memory);
    author = static_cast<Author *>(palloc0(sizeof(Author)));
    author->role = GetOuterUserId();
    author->actor_setting = copy_text(memory, settings::actor());
    author->reason_setting = copy_text(memory, settings::reason());
    author->actor = CStringGetTextDatum(deletion::get_actor());
    author->reason = settings::reason() == nullptr ? 0 : CStringGetTextDatum(settings::reason());
    MemoryContextSwitchTo(caller);
    if (call != nullptr) {
        call->flinfo->fn_extra = author;
    }
    return *author;
}

// A time that the transaction has anyway is not repeated.
void set_times(rows::OwnValue *values, TimestampTz now) {
    TimestampTz statement = GetCurrentStatementStartTimestamp();
    TimestampTz begin = GetCurrentTransactionStartTimestamp();
    values[at].value = TimestampTzGetDatum(now);
    values[transaction_at].value = TimestampTzGetDatum(begin);
    values[statement_at].value = TimestampTzGetDatum(statement);
    values[statement_at].is_null = statement == begin;
}

void collect(FunctionCallInfo call, const TrackedTable &table, Relation source, HeapTuple row,
             const Entry &entry) {
    rows::OwnValue values[own_column_count];
    for (int i = 0; i < own_column_count; i++) {
        values[i] = {own_columns[i].name, 0, false, own_columns[i].is_by_value, own_columns[i].length};
    }
    const Author &author = get_author(call);
    TimestampTz now = GetCurrentTimestamp();
    set_times(values, now);
    values[transaction].value = FullTransactionIdGetDatum(GetTopFullTransactionId());
    values[deletion_id].value = Int64GetDatum(entry.deletion);
    values[deletion_id].is_null = entry.deletion == 0;
    values[command].value = Int32GetDatum(static_cast<int32>(entry.command));
    values[kind].value = CharGetDatum(entry.kind);
    values[actor].value = author.actor;
    values[changed].value = PointerGetDatum(entry.changed);
    values[changed].is_null = entry.changed == nullptr;
    values[reason].value = author.reason;
    values[reason].is_null = author.reason == 0;
    values[other_key].value = entry.other_key;
    values[other_key].is_null = entry.other_key == 0;
    rows::collect_row({table.history, false, now}, source, row, values, own_column_count);
}

bool is_deleted(const TrackedTable &table, HeapTuple row, TupleDesc columns) {
    return table.deleted_at != 0 && !heap_attisnull(row, table.deleted_at, columns);
}

int64 get_deletion(const TrackedTable &table, HeapTuple row, TupleDesc columns) {
    bool is_null = true;
    Datum id = table.deletion_id == 0 ? 0 : heap_getattr(row, table.deletion_id, columns, &is_null);
    return is_null ? 0 : DatumGetInt64(id);
}

// One half of an UPDATE.
struct Side {
    const TrackedTable &table;
    Relation relation;
    HeapTuple row;

    TupleDesc columns() const { return RelationGetDescr(relation); }

    bool is_deleted() const { return history::is_deleted(table, row, columns()); }

    int64 deletion() const { return get_deletion(table, row, columns()); }
};

bool changes_key(const TrackedTable &table, const bytea *changed) {
    for (int i = 0; i < table.key_count; i++) {
        if (is_changed(changed, table.key[i].number)) {
            return true;
        }
    }
    return false;
}

void collect_update(FunctionCallInfo call, const Side &old_side, const Side &new_side, CommandId command) {
    Entry entry = {kind_update, command, nullptr, 0, 0};
    entry.changed = find_changed_columns(old_side.table, old_side.row, old_side.columns(), new_side.table,
                                         new_side.row, new_side.columns());
    if (!old_side.is_deleted() && new_side.is_deleted()) {
        entry.kind = kind_soft_delete;
        entry.deletion = new_side.deletion();
    } else if (old_side.is_deleted() && !new_side.is_deleted()) {
        entry.kind = kind_restore;
        entry.deletion = old_side.deletion();
    }
    if (!changes_key(old_side.table, entry.changed)) {
        collect(call, old_side.table, old_side.relation, old_side.row, entry);
        return;
    }
    entry.other_key = write_key(new_side.table, new_side.row, new_side.columns());
    collect(call, old_side.table, old_side.relation, old_side.row, entry);
    Entry arrival = entry;
    arrival.kind = kind_new_key;
    arrival.other_key = write_key(old_side.table, old_side.row, old_side.columns());
    collect(call, new_side.table, new_side.relation, new_side.row, arrival);
}

void begin_move(const TrackedTable &table, const TriggerData *data, CommandId command) {
    finish_moves();
    MemoryContext memory =
        AllocSetContextCreate(CurTransactionContext, "softdelete moved row", ALLOCSET_SMALL_SIZES);
    auto *move = static_cast<Move *>(MemoryContextAlloc(memory, sizeof(Move)));
    MemoryContext caller = MemoryContextSwitchTo(memory);
    *move = {memory,
             table.root,
             RelationGetRelid(data->tg_relation),
             command,
             session::running_statement_depth(),
             GetCurrentTransactionNestLevel(),
             heap_copytuple(data->tg_trigtuple),
             pending_moves};
    MemoryContextSwitchTo(caller);
    pending_moves = move;
}

// That of the innermost statement; null where it has none.
Move *find_move() {
    for (Move *move = pending_moves; move != nullptr; move = move->next) {
        if (move->depth == session::running_statement_depth()
            && move->nest_level == GetCurrentTransactionNestLevel()) {
            return move;
        }
    }
    return nullptr;
}

void remove_move(const Move *move) {
    Move **place = &pending_moves;
    while (*place != move) {
        place = &(*place)->next;
    }
    *place = move->next;
}

// The deletion from which the statement brings a row back, or of the marked row that it takes out of an archive; 0 for none.
int64 find_deletion_before(const TrackedTable &table, Relation relation, HeapTuple row) {
    const session::OwnTraits *own = session::running_own_statement();
    return own == nullptr       ? 0
           : own->moves_deleted ? get_deletion(table, row, RelationGetDescr(relation))
                                : own->restored;
}

// The new row of an UPDATE that moved it, or one that was inserted.
void collect_insert(FunctionCallInfo call, const TrackedTable &table, const TriggerData *data) {
    HeapTuple row = data->tg_trigtuple;
    CommandId command = HeapTupleHeaderGetCmin(row->t_data);
    Move *move = find_move();
    if (move == nullptr || move->root != table.root || move->command != command) {
        finish_moves();
        collect(call, table, data->tg_relation, row,
                {kind_insert, command, nullptr, find_deletion_before(table, data->tg_relation, row), 0});
        return;
    }
    remove_move(move);
    Relation former = table_open(move->partition, AccessShareLock);
    collect_update(call, {get_table(former), former, move->row}, {table, data->tg_relation, row}, command);
    table_close(former, NoLock);
    MemoryContextDelete(move->memory);
}

// A row that was deleted before is purged, whoever removes it; but what moves to an archive goes on there.
Entry make_removal(const TrackedTable &table, HeapTuple row, TupleDesc columns, CommandId command) {
    if (is_deleted(table, row, columns)) {
        const session::OwnTraits *own = session::running_own_statement();
        return {own != nullptr && own->moves_deleted ? kind_delete : kind_purge, command, nullptr,
                get_deletion(table, row, columns), 0};
    }
    return {kind_delete, command, nullptr, deletion::find_archived_row(table.relation, row), 0};
}

void collect_delete(FunctionCallInfo call, const TrackedTable &table, const TriggerData *data) {
    HeapTuple row = data->tg_trigtuple;
    CommandId command = HeapTupleHeaderGetCmax(row->t_data);
    if (HeapTupleHeaderIndicatesMovedPartitions(row->t_data)) {
        begin_move(table, data, command);
        return;
    }
    finish_moves();
    collect(call, table, data->tg_relation, row,
            make_removal(table, row, RelationGetDescr(data->tg_relation), command));
}

// All rows that are there now, whatever the transaction's snapshot shows: the command waits for writers first.
template <typename Take>
void scan_rows(Relation relation, Take take) {
    Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    TupleTableSlot *slot = table_slot_create(relation, nullptr);
    TableScanDesc scan = pg::compat::table_beginscan(relation, snapshot);
    MemoryContext memory =
        AllocSetContextCreate(CurrentMemoryContext, "softdelete scanned row", ALLOCSET_DEFAULT_SIZES);
    while (table_scan_getnextslot(scan, ForwardScanDirection, slot)) {
        MemoryContext caller = MemoryContextSwitchTo(memory);
        bool must_free = false;
        take(ExecFetchSlotHeapTuple(slot, false, &must_free));
        MemoryContextSwitchTo(caller);
        MemoryContextReset(memory);
        CHECK_FOR_INTERRUPTS();
    }
    table_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
    UnregisterSnapshot(snapshot);
    MemoryContextDelete(memory);
}

} // namespace

void collect_change(FunctionCallInfo call, const TriggerData *data) {
    const TrackedTable &table = get_table(data->tg_relation);
    if (TRIGGER_FIRED_BY_INSERT(data->tg_event)) {
        collect_insert(call, table, data);
    } else if (TRIGGER_FIRED_BY_DELETE(data->tg_event)) {
        collect_delete(call, table, data);
    } else {
        finish_moves();
        collect_update(call, {table, data->tg_relation, data->tg_trigtuple},
                       {table, data->tg_relation, data->tg_newtuple},
                       HeapTupleHeaderGetCmin(data->tg_newtuple->t_data));
    }
}

void collect_truncated(const TriggerData *data) {
    Relation relation = data->tg_relation;
    const TrackedTable &table = get_table(relation);
    if (RELKIND_HAS_STORAGE(relation->rd_rel->relkind)) { // each partition has the trigger
        scan_rows(relation, [&](HeapTuple row) {
            Entry entry = {kind_truncate, GetCurrentCommandId(true), nullptr, 0, 0};
            entry.deletion = get_deletion(table, row, RelationGetDescr(relation));
            collect(nullptr, table, relation, row, entry);
        });
    }
}

void collect_altered(Relation relation, List *columns) {
    const TrackedTable &table = get_table(relation);
    List *kept = find_kept_columns(table, columns);
    if (kept == NIL) {
        return;
    }
    const bytea *changed = make_changed_columns(table, kept);
    scan_rows(relation, [&](HeapTuple row) {
        ListCell *cell;
        foreach (cell, kept) {
            if (!heap_attisnull(row, lfirst_int(cell), RelationGetDescr(relation))) {
                collect(nullptr, table, relation, row,
                        {kind_alter, GetCurrentCommandId(true), changed, 0, 0});
                return;
            }
        }
    });
    rows::insert_collected_rows();
}

void finish_moves() {
    Move *move = find_move();
    if (move == nullptr) {
        return;
    }
    remove_move(move);
    Relation former = table_open(move->partition, AccessShareLock);
    const TrackedTable &table = get_table(former);
    collect(nullptr, table, former, move->row,
            make_removal(table, move->row, RelationGetDescr(former), move->command));
    table_close(former, NoLock);
    MemoryContextDelete(move->memory);
}

void forget_moves(int nest_level) noexcept {
    Move **place = &pending_moves;
    while (*place != nullptr) {
        if ((*place)->nest_level >= nest_level) {
            *place = (*place)->next;
        } else {
            place = &(*place)->next;
        }
    }
}

void keep_moves(int nest_level) noexcept {
    for (Move *move = pending_moves; move != nullptr; move = move->next) {
        move->nest_level = Min(move->nest_level, nest_level - 1);
    }
}

} // namespace softdelete::history
