// Versions are chained as heap_get_latest_tid() in src/backend/access/heap/heapam.c follows them; a move to another partition
// ends the chain there (src/include/access/htup_details.h). Called by erasure/removed_rows.
#include "pg/row_versions.hpp"

#include "pg/compat.hpp"

extern "C" {
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
}

namespace softdelete::pg {

namespace {

bool is_heap(Relation table) {
    return table->rd_tableam == GetHeapamTableAmRoutine();
}

bool is_written_here(HeapTupleHeader row) {
    return TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(row));
}

// By an UPDATE or DELETE, not by a lock.
bool is_ended_here(HeapTupleHeader row) {
    return (row->t_infomask & HEAP_XMAX_INVALID) == 0 && !HeapTupleHeaderIsOnlyLocked(row)
           && TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(row));
}

template <typename Item>
void append(Found<Item> *found, Size *capacity, const Item &item) {
    if (found->count == *capacity) {
        *capacity = *capacity == 0 ? 16 : *capacity * 2;
        Size bytes = *capacity * sizeof(Item);
        found->items =
            static_cast<Item *>(found->items == nullptr ? MemoryContextAllocHuge(CurrentMemoryContext, bytes)
                                                        : repalloc_huge(found->items, bytes));
    }
    found->items[found->count++] = item;
}

CommandId get_command(HeapTupleHeader row) {
    return is_written_here(row) ? HeapTupleHeaderGetCmin(row) : InvalidCommandId;
}

RowVersion describe(Size row, const HeapTupleData &version) {
    HeapTupleHeader header = version.t_data;
    RowVersion found = {row, version.t_self, VersionEnd::none, get_command(header), 0, InvalidTransactionId};
    if (is_ended_here(header)) {
        found.end = HeapTupleHeaderIndicatesMovedPartitions(header) ? VersionEnd::moved : VersionEnd::next;
        found.ended_by = HeapTupleHeaderGetCmax(header);
        found.transaction = HeapTupleHeaderGetUpdateXid(header);
    }
    return found;
}

// Fetches the version at *position and makes *position that of the next one. False where it is none of the row's.
bool fetch(Relation table, Size row, bool is_first, ItemPointerData *position, RowVersion *version) {
    HeapTupleData tuple = {};
    Buffer buffer = InvalidBuffer;
    tuple.t_self = *position;
    if (!heap_fetch(table, SnapshotAny, &tuple, &buffer, false)) {
        return false;
    }
    bool is_meant = is_first || is_written_here(tuple.t_data);
    *version = describe(row, tuple);
    *position = tuple.t_data->t_ctid;
    ReleaseBuffer(buffer);
    return is_meant;
}

} // namespace

CommandId get_writing_command(HeapTuple row) {
    return get_command(row->t_data);
}

Found<RowVersion> find_versions(Oid relation, const ItemPointerData *rows, Size count) {
    Relation table = table_open(relation, AccessShareLock);
    Found<RowVersion> found = {nullptr, 0};
    Size capacity = 0;
    for (Size row = 0; row < count; row++) {
        if (!is_heap(table)) {
            append(&found, &capacity,
                   {row, rows[row], VersionEnd::none, InvalidCommandId, 0, InvalidTransactionId});
            continue;
        }
        ItemPointerData next = rows[row];
        RowVersion version = {};
        bool is_first = true;
        do {
            if (!fetch(table, row, is_first, &next, &version)) {
                break;
            }
            append(&found, &capacity, version);
            is_first = false;
        } while (version.end == VersionEnd::next && !ItemPointerEquals(&next, &version.position));
    }
    table_close(table, NoLock);
    return found;
}

Found<HalfMove> find_half_moves(Oid relation) {
    Relation table = table_open(relation, AccessShareLock);
    Found<HalfMove> found = {nullptr, 0};
    Size capacity = 0;
    if (!is_heap(table)) {
        table_close(table, NoLock);
        return found;
    }
    TableScanDesc scan = compat::table_beginscan(table, SnapshotAny);
    while (HeapTuple row = heap_getnext(scan, ForwardScanDirection)) {
        HeapTupleHeader header = row->t_data;
        if (is_written_here(header) && (header->t_infomask & HEAP_UPDATED) == 0) {
            append(&found, &capacity, {row->t_self, HeapTupleHeaderGetCmin(header), true});
        }
        if (is_ended_here(header) && HeapTupleHeaderIndicatesMovedPartitions(header)) {
            append(&found, &capacity, {row->t_self, HeapTupleHeaderGetCmax(header), false});
        }
        CHECK_FOR_INTERRUPTS();
    }
    table_endscan(scan);
    table_close(table, NoLock);
    return found;
}

} // namespace softdelete::pg
