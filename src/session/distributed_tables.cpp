// Looks Citus's catalogs up by name: nothing of Citus is needed to build or to run.
#include "session/distributed_tables.hpp"

#include "pg/query_relations.hpp"

extern "C" {
#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_namespace.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
}

namespace softdelete::session {

namespace {

// Citus refuses to be loaded later than at the start of the server, so that the answer stays.
bool is_citus_loaded() {
    static int answer = -1;
    if (answer < 0) {
        answer = GetConfigOption("citus.shard_count", true, false) != nullptr ? 1 : 0;
    }
    return answer == 1;
}

// A row of the catalog has the relation in this column, which the index is on. A database without Citus has no such catalog.
bool is_listed(const char *catalog_name, const char *index_name, Oid relation) {
    Oid catalog = get_relname_relid(catalog_name, PG_CATALOG_NAMESPACE);
    Oid index = get_relname_relid(index_name, PG_CATALOG_NAMESPACE);
    if (!OidIsValid(catalog) || !OidIsValid(index)) {
        return false;
    }
    Relation table = table_open(catalog, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
    SysScanDesc scan = systable_beginscan(table, index, true, nullptr, 1, &key);
    bool is_found = HeapTupleIsValid(systable_getnext(scan));
    systable_endscan(scan);
    table_close(table, AccessShareLock);
    return is_found;
}

} // namespace

bool is_distributed(Oid relation) {
    return is_citus_loaded()
           && is_listed("pg_dist_partition", "pg_dist_partition_logical_relid_index", relation);
}

bool names_distributed_table(Query *query) {
    return is_citus_loaded() && pg::find_relation_entry(query, [](Query *, RangeTblEntry *entry, void *) {
               return is_distributed(entry->relid);
           });
}

} // namespace softdelete::session
