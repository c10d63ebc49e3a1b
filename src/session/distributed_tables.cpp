// Looks Citus's catalogs up by name: nothing of Citus is needed to build or to run.
#include "session/distributed_tables.hpp"

#include "pg/query_relations.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_namespace.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
}

#include <cstdlib>
#include <cstring>

namespace softdelete::session {

namespace {

// The row of a catalog of Citus that has the value in this column, which the index is on: what its named column says. A
// database without Citus has no such catalog.
struct Found {
    bool is_found;
    Datum value;
};

Found find_row(const char *catalog_name, const char *index_name, const char *column, RegProcedure equality,
               Datum value, const char *wanted) {
    Oid catalog = get_relname_relid(catalog_name, PG_CATALOG_NAMESPACE);
    Oid index = get_relname_relid(index_name, PG_CATALOG_NAMESPACE);
    Found found = {false, 0};
    if (!OidIsValid(catalog) || !OidIsValid(index)) {
        return found;
    }
    Relation table = table_open(catalog, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, get_attnum(catalog, column), BTEqualStrategyNumber, equality, value);
    SysScanDesc scan = systable_beginscan(table, index, true, nullptr, 1, &key);
    HeapTuple row = systable_getnext(scan);
    if (HeapTupleIsValid(row)) {
        bool is_null = false;
        found.value = heap_getattr(row, get_attnum(catalog, wanted), RelationGetDescr(table), &is_null);
        found.is_found = !is_null;
    }
    systable_endscan(scan);
    table_close(table, AccessShareLock);
    return found;
}

// Of pg_dist_partition: a column of a passed-by-value type.
Found find_distribution(Oid relation, const char *wanted) {
    return find_row("pg_dist_partition", "pg_dist_partition_logical_relid_index", "logicalrelid", F_OIDEQ,
                    ObjectIdGetDatum(relation), wanted);
}

// The number behind its name; -1 for other names.
int64 read_shard_number(Oid relation) {
    const char *name = get_rel_name(relation);
    const char *number = name == nullptr ? nullptr : strrchr(name, '_');
    if (number == nullptr || number[1] == '\0' || strspn(number + 1, "0123456789") != strlen(number + 1)
        || strlen(number + 1) > 18) {
        return -1;
    }
    return strtoll(number + 1, nullptr, 10);
}

} // namespace

// Citus refuses to be loaded later than at the start of the server, so that the answer stays.
bool is_citus_loaded() {
    static int answer = -1;
    if (answer < 0) {
        answer = GetConfigOption("citus.shard_count", true, false) != nullptr ? 1 : 0;
    }
    return answer == 1;
}

void refuse_distributed(Oid relation) {
    if (is_distributed(relation)) {
        ereport(ERROR,
                (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("this is not supported for tables of Citus"),
                 errdetail("Rows of table \"%s\" are kept in shards.", get_rel_name(relation)),
                 errhint("What is supported there says the manual in citus.md.")));
    }
}

bool is_plainly_distributed(Oid relation) {
    if (!is_distributed(relation)) {
        return false;
    }
    char by = DatumGetChar(find_distribution(relation, "partmethod").value);
    return by == 'h' || (by == 'n' && DatumGetChar(find_distribution(relation, "repmodel").value) == 't');
}

bool is_distributed(Oid relation) {
    return is_citus_loaded() && find_distribution(relation, "logicalrelid").is_found;
}

bool is_own_trigger_name(const char *name, const char *own, const char *table) {
    size_t length = strlen(own);
    if (strncmp(name, own, length) != 0) {
        return false;
    }
    const char *number = name + length;
    if (*number == '\0') {
        return true;
    }
    const char *of_table = strrchr(table, '_');
    return is_citus_loaded() && number[0] == '_' && number[1] != '\0'
           && strspn(number + 1, "0123456789") == strlen(number + 1) && of_table != nullptr
           && strcmp(of_table, number) == 0;
}

bool is_shard(Oid relation) {
    if (!is_citus_loaded() || read_shard_number(relation) < 0) {
        return false;
    }
    RegisteredTable table;
    return (find_damaged_table(relation, &table) && table.rows == RowPlace::is_shard)
           || OidIsValid(find_table_of_shard(relation));
}

Oid find_table_of_shard(Oid shard) {
    Found found = find_row("pg_dist_shard", "pg_dist_shard_shardid_index", "shardid", F_INT8EQ,
                           Int64GetDatum(read_shard_number(shard)), "logicalrelid");
    return found.is_found ? DatumGetObjectId(found.value) : InvalidOid;
}

bool is_coordinator() {
    Oid catalog = get_relname_relid("pg_dist_local_group", PG_CATALOG_NAMESPACE);
    if (!OidIsValid(catalog)) {
        return false;
    }
    Relation table = table_open(catalog, AccessShareLock);
    SysScanDesc scan = systable_beginscan(table, InvalidOid, false, nullptr, 0, nullptr);
    HeapTuple row = systable_getnext(scan);
    bool is_null = true;
    Datum group = HeapTupleIsValid(row) ? heap_getattr(row, 1, RelationGetDescr(table), &is_null) : 0;
    bool is_first = !is_null && DatumGetInt32(group) == 0;
    systable_endscan(scan);
    table_close(table, AccessShareLock);
    return is_first;
}

bool names_distributed_table(Query *query) {
    return is_citus_loaded() && pg::find_relation_entry(query, [](Query *, RangeTblEntry *entry, void *) {
               return is_distributed(entry->relid);
           });
}

} // namespace softdelete::session
