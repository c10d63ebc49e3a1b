// Rows by their positions, read through the table access method, and what their removal would run.
#include "pg/physical_rows.hpp"

#include "pg/relation_cache.hpp"

extern "C" {
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_trigger.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
}

namespace softdelete::pg {

bool runs_code_on_delete(Oid relation) {
    Relation table = table_open(relation, RowExclusiveLock);
    Oid own_schema = get_namespace_oid("softdelete_internal", false);
    bool runs_code = table->rd_rel->relhasrules;
    const TriggerDesc *triggers = copy_triggers(table);
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
        const Trigger &trigger = triggers->triggers[i];
        runs_code = runs_code
                    || (TRIGGER_FOR_DELETE(trigger.tgtype) && !trigger.tgisinternal
                        && get_func_namespace(trigger.tgfoid) != own_schema);
    }
    table_close(table, NoLock);
    return runs_code;
}

void follow_updates(Oid relation, ItemPointerData *rows, Size count) {
    CommandCounterIncrement();
    Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    Relation table = table_open(relation, AccessShareLock);
    TableScanDesc scan = table_beginscan_tid(table, snapshot);
    for (Size i = 0; i < count; i++) {
        table_tuple_get_latest_tid(scan, &rows[i]);
    }
    table_endscan(scan);
    table_close(table, NoLock);
    UnregisterSnapshot(snapshot);
}

} // namespace softdelete::pg
