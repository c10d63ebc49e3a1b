// Follows the row's update chain, as currtid_internal() in src/backend/utils/adt/tid.c does.
#include "triggers/current_row.hpp"

#include "triggers/trigger_call.hpp"

extern "C" {
#include "access/tableam.h"
#include "utils/snapmgr.h"
}

namespace softdelete::triggers {

HeapTuple find_current_row(const TriggerData *data) {
    Relation relation = data->tg_relation;
    TupleTableSlot *event = TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newslot : data->tg_trigslot;
    if (event == nullptr || table_tuple_satisfies_snapshot(relation, event, SnapshotSelf)) {
        return get_new_row(data);
    }
    ItemPointerData position = event->tts_tid;
    TableScanDesc scan = table_beginscan_tid(relation, SnapshotSelf);
    table_tuple_get_latest_tid(scan, &position);
    table_endscan(scan);
    TupleTableSlot *slot = table_slot_create(relation, nullptr);
    bool is_found = table_tuple_fetch_row_version(relation, &position, SnapshotSelf, slot);
    HeapTuple row = is_found ? ExecCopySlotHeapTuple(slot) : nullptr;
    ExecDropSingleTupleTableSlot(slot);
    return row;
}

} // namespace softdelete::triggers
