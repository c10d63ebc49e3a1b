// Each look for another entry reads no more than the transactions that can have it: showing a history takes time in proportion
// to its entries.
#include "history/row_changes.hpp"

#include "history/key_text.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/table.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
}

namespace softdelete::history {

namespace {

bool keeps_row(Kind kind) {
    return kind == kind_update || kind == kind_soft_delete || kind == kind_restore || kind == kind_alter;
}

// The row as an entry has it, or as it is now where entry is null, with the columns of that time; null where there is none.
const RowImage *get_image(const OpenHistory &history, const ReadEntry *entry, const Datum *values,
                          TimestampTz time) {
    const TrackedTable &table = *history.table();
    auto *image = static_cast<RowImage *>(palloc(sizeof(RowImage)));
    if (entry != nullptr) {
        *image = read_image(table, history.relation(), *entry, time);
        return image;
    }
    Relation relation = nullptr;
    HeapTuple row = find_live_row(table, values, &relation);
    if (row == nullptr) {
        return nullptr;
    }
    *image = read_live_image(table, row, relation, time);
    table_close(relation, AccessShareLock);
    return image;
}

// Entries of the same transaction lie after its begin.
TimestampTz get_time_before(const ReadEntry &entry) {
    return entry.transaction_at - 1;
}

// The entry under the other key that a change of the key has as well; null where it is gone.
const ReadEntry *find_counterpart(const OpenHistory &history, const ReadEntry &entry) {
    const TrackedTable &table = *history.table();
    bool is_null = true;
    Datum other = get_own(history, entry, other_key, &is_null);
    Datum values[INDEX_MAX_KEYS] = {};
    if (is_null || !read_key(table, other, values)) {
        return nullptr;
    }
    ListCell *cell;
    foreach (cell, read_entries(table, values, get_time_before(entry), Extent::transaction_and_next,
                                entry.transaction)) {
        const auto *found = static_cast<const ReadEntry *>(lfirst(cell));
        bool is_arrival = found->kind == kind_new_key;
        if (found->transaction == entry.transaction && found->command == entry.command
            && is_arrival != (entry.kind == kind_new_key)) {
            return found;
        }
    }
    return nullptr;
}

// The row after an entry that has the row before it. next: the entry that follows; null for none.
const RowImage *get_new_image(const OpenHistory &history, const ReadEntry &entry, const ReadEntry *next,
                              const Datum *values) {
    if (!keeps_row(entry.kind)) {
        return nullptr;
    }
    bool is_null = true;
    (void)get_own(history, entry, other_key, &is_null);
    if (!is_null) { // the row went on under another key
        const ReadEntry *arrival = find_counterpart(history, entry);
        return arrival == nullptr ? nullptr : get_image(history, arrival, nullptr, entry.at);
    }
    if (next != nullptr && !has_old_row(*next)) {
        return nullptr; // entries between are gone
    }
    // Of ALTER TABLE: the columns that it leaves.
    TimestampTz time = entry.kind != kind_alter ? entry.at : next == nullptr ? DT_NOEND : next->at;
    return get_image(history, next, values, time);
}

// The values of the key that the entry's row has; false where the history has not all of them.
bool read_entry_key(const OpenHistory &history, const ReadEntry &entry, Datum *values) {
    const TrackedTable &table = *history.table();
    bool is_complete = table.key_count > 0;
    for (int i = 0; i < table.key_count && is_complete; i++) {
        bool is_null = true;
        AttrNumber number = table.key[i].number;
        values[i] =
            number == 0 ? 0 : heap_getattr(entry.row, number, RelationGetDescr(history.relation()), &is_null);
        is_complete = !is_null;
    }
    return is_complete;
}

bool is_same_entry(const ReadEntry &one, const ReadEntry &other) {
    return one.partition == other.partition
           && ItemPointerCompare(const_cast<ItemPointer>(&one.position),
                                 const_cast<ItemPointer>(&other.position))
                  == 0;
}

// Where the entry is among those that were read last; -1 where it is not. Mostly right after the one before.
int find_place(const Successors &successors, const ReadEntry &entry) {
    int count = successors.transaction == entry.transaction ? list_length(successors.entries) : 0;
    for (int step = 0; step < count; step++) {
        int place = (successors.place + 1 + step) % count;
        if (is_same_entry(*static_cast<const ReadEntry *>(list_nth(successors.entries, place)), entry)) {
            return place;
        }
    }
    return -1;
}

// The entry of the same row that follows; null for none.
const ReadEntry *find_next(const OpenHistory &history, const ReadEntry &entry, const Datum *values,
                           Successors *successors) {
    successors->place = find_place(*successors, entry);
    if (successors->place < 0) {
        MemoryContextReset(successors->memory);
        successors->entries = NIL;
        successors->transaction = entry.transaction;
        MemoryContext caller = MemoryContextSwitchTo(successors->memory);
        successors->entries = read_entries(*history.table(), values, get_time_before(entry),
                                           Extent::transaction_and_next, entry.transaction);
        MemoryContextSwitchTo(caller);
        successors->place = find_place(*successors, entry);
    }
    int next = successors->place + 1;
    return next == 0 || next >= list_length(successors->entries)
               ? nullptr
               : static_cast<const ReadEntry *>(list_nth(successors->entries, next));
}

} // namespace

Datum get_own(const OpenHistory &history, const ReadEntry &entry, OwnColumn column, bool *is_null) {
    return heap_getattr(entry.row, column + 1, RelationGetDescr(history.relation()), is_null);
}

RowChange make_change(const OpenHistory &history, const ReadEntry &entry, const ReadEntry *next,
                      const Datum *values) {
    const RowImage *image = get_image(history, &entry, nullptr, entry.at);
    if (entry.kind == kind_new_key) {
        const ReadEntry *departure = find_counterpart(history, entry);
        return {&entry, departure == nullptr ? nullptr : get_image(history, departure, nullptr, entry.at),
                image};
    }
    if (entry.kind == kind_insert) {
        return {&entry, nullptr, image};
    }
    return {&entry, image, get_new_image(history, entry, next, values)};
}

Successors make_successors() {
    return {AllocSetContextCreate(CurrentMemoryContext, "softdelete next entries", ALLOCSET_DEFAULT_SIZES),
            NIL, 0, -1};
}

RowChange complete_change(const OpenHistory &history, const ReadEntry &entry, Successors *successors) {
    Datum values[INDEX_MAX_KEYS] = {};
    if (!keeps_row(entry.kind)) {
        return make_change(history, entry, nullptr, values);
    }
    if (!read_entry_key(history, entry, values)) {
        return {&entry, get_image(history, &entry, nullptr, entry.at), nullptr};
    }
    return make_change(history, entry, find_next(history, entry, values, successors), values);
}

namespace {

// The key's first entry after a time; null for none.
const ReadEntry *find_first(const OpenHistory &history, TimestampTz time, const Datum *values) {
    List *entries = read_entries(*history.table(), values, time, Extent::first_transaction);
    const auto *first = entries == NIL ? nullptr : static_cast<const ReadEntry *>(linitial(entries));
    if (list_length(entries) < 2 || !begins_life(*first)) {
        return first;
    }
    // Whether the key was taken, so that another row left it first, is seen from all that was before.
    ListCell *cell;
    foreach (cell, read_entries(*history.table(), values, DT_NOBEGIN, Extent::all)) {
        const auto *entry = static_cast<const ReadEntry *>(lfirst(cell));
        if (entry->at > time && entry->transaction == first->transaction) {
            return entry;
        }
    }
    return first;
}

} // namespace

Datum find_row_at(const OpenHistory &history, TimestampTz time, const Datum *values) {
    const ReadEntry *entry = find_first(history, time, values);
    if (entry != nullptr && !has_old_row(*entry)) {
        return 0; // it came later
    }
    const RowImage *image = get_image(history, entry, values, time);
    return image == nullptr ? 0 : to_json(*image);
}

} // namespace softdelete::history
