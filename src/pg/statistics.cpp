// Drops the planner's statistics of a table, as the server itself does with a relation or an object (heap.c,
// statscmds.c). Called by erasure/reset_statistics.
#include "pg/statistics.hpp"

extern "C" {
#include "access/table.h"
#include "access/xact.h"
#include "catalog/heap.h"
#include "commands/defrem.h"
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

} // namespace

void remove_statistics(Oid relation) {
    call([&] {
        RemoveStatistics(relation, 0);
        remove_extended_statistics(relation);
        CommandCounterIncrement();
    });
}

} // namespace softdelete::pg
