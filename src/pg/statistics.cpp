// Drops the planner's statistics of a table, as the server itself does with a relation or an object (heap.c,
// statscmds.c). Called by erasure/reset_statistics.
#include "pg/statistics.hpp"

extern "C" {
#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/heap.h"
#include "catalog/pg_statistic.h"
#include "commands/defrem.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/relcache.h"
}

namespace softdelete::pg {

namespace {

void remove_extended_statistics(Oid relation) {
    Relation table = RelationIdGetRelation(relation);
    if (table == nullptr
        || (table->rd_rel->relkind != RELKIND_RELATION
            && table->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)) {
        if (table != nullptr) {
            RelationClose(table);
        }
        return;
    }
    ListCell *cell;
    foreach (cell, RelationGetStatExtList(table)) {
        RemoveStatisticsDataById(lfirst_oid(cell), false);
        RemoveStatisticsDataById(lfirst_oid(cell), true);
    }
    RelationClose(table);
}

bool is_described(Relation statistics, Oid relation) {
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_statistic_starelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
    SysScanDesc scan = systable_beginscan(statistics, StatisticRelidAttnumInhIndexId, true, nullptr, 1, &key);
    bool found = HeapTupleIsValid(systable_getnext(scan));
    systable_endscan(scan);
    return found;
}

} // namespace

bool has_statistics(Oid relation) {
    return call([&] {
        Relation table = RelationIdGetRelation(relation);
        if (table == nullptr) {
            return false;
        }
        Relation statistics = table_open(StatisticRelationId, AccessShareLock);
        bool found = is_described(statistics, relation) || RelationGetStatExtList(table) != NIL;
        ListCell *cell;
        foreach (cell, found ? NIL : RelationGetIndexList(table)) {
            found = found || is_described(statistics, lfirst_oid(cell));
        }
        table_close(statistics, AccessShareLock);
        RelationClose(table);
        return found;
    });
}

void remove_statistics(Oid relation) {
    call([&] {
        RemoveStatistics(relation, 0);
        remove_extended_statistics(relation);
        CommandCounterIncrement();
    });
}

} // namespace softdelete::pg
