// Holds in force are read with a system-table scan and the latest snapshot: a transaction that looked at the database
// before a hold was made must not remove what it protects.
#include "registry/hold_log.hpp"

#include "pg/scopes.hpp"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
}

namespace softdelete::registry {

namespace {

LOCKMODE to_server(HoldLock lock) {
    switch (lock) {
    case HoldLock::row_exclusive:
        return RowExclusiveLock;
    case HoldLock::share:
        return ShareLock;
    case HoldLock::exclusive:
        return ShareRowExclusiveLock;
    }
    pg_unreachable();
}

// The columns' order in src/extension/60_holds.sql.
enum HoldColumn : AttrNumber { column_id = 1, column_relation = 2, column_key = 3 };

// A scan of the index of the holds in force.
struct HoldScan {
    Relation table;
    SysScanDesc scan;
};

HoldScan begin_scan() {
    Oid schema = get_namespace_oid("softdelete_internal", false);
    Relation table = table_open(get_relname_relid("hold", schema), AccessShareLock);
    SysScanDesc scan = systable_beginscan(table, get_relname_relid("hold_active", schema), true,
                                          GetLatestSnapshot(), 0, nullptr);
    return {table, scan};
}

void end_scan(const HoldScan &scan) {
    systable_endscan(scan.scan);
    table_close(scan.table, AccessShareLock);
}

// Plain data in the current memory context.
struct FoundHold {
    int64 id;
    Oid relation;
    int values;
    char **key;
    FoundHold *next;
};

FoundHold *read_hold(HeapTuple row, TupleDesc columns, FoundHold *next) {
    bool is_null = false;
    auto *hold = static_cast<FoundHold *>(palloc0(sizeof(FoundHold)));
    hold->id = DatumGetInt64(heap_getattr(row, column_id, columns, &is_null));
    hold->relation = DatumGetObjectId(heap_getattr(row, column_relation, columns, &is_null));
    Datum *values = nullptr;
    deconstruct_array(DatumGetArrayTypePCopy(heap_getattr(row, column_key, columns, &is_null)), TEXTOID, -1,
                      false, TYPALIGN_INT, &values, nullptr, &hold->values);
    hold->key = static_cast<char **>(palloc(sizeof(char *) * static_cast<Size>(hold->values)));
    for (int i = 0; i < hold->values; i++) {
        hold->key[i] = TextDatumGetCString(values[i]);
    }
    hold->next = next;
    return hold;
}

FoundHold *read_holds() {
    FoundHold *holds = nullptr;
    HoldScan scan = begin_scan();
    for (HeapTuple row = systable_getnext(scan.scan); HeapTupleIsValid(row);
         row = systable_getnext(scan.scan)) {
        holds = read_hold(row, RelationGetDescr(scan.table), holds);
    }
    end_scan(scan);
    return holds;
}

} // namespace

std::vector<Hold> find_active_holds() {
    std::vector<Hold> holds;
    for (const FoundHold *found = pg::call([] { return read_holds(); }); found != nullptr;
         found = found->next) {
        holds.insert(holds.begin(), {found->id, found->relation, {found->key, found->key + found->values}});
    }
    return holds;
}

std::vector<Hold> find_released_holds(pg::Spi &spi) {
    pg::UserScope owner(pg::get_extension_owner());
    std::vector<Hold> holds;
    for (const pg::Row &row :
         spi.query("SELECT id, relation::pg_catalog.oid, key FROM softdelete_internal.hold"
                   " WHERE released_at IS NOT NULL AND key IS NOT NULL ORDER BY id")) {
        holds.push_back({row.number(0), row.oid(1), row.array(2)});
    }
    return holds;
}

void clear_holds(pg::Spi &spi, const std::vector<std::string> &holds) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("UPDATE softdelete_internal.hold SET key = NULL, reason = NULL"
                " WHERE id = ANY ($1::pg_catalog.int8[]) AND released_at IS NOT NULL",
                {pg::make_array(holds)});
}

bool has_active_holds() {
    HoldScan scan = begin_scan();
    bool found = HeapTupleIsValid(systable_getnext(scan.scan));
    end_scan(scan);
    return found;
}

void lock_holds(HoldLock lock) {
    LockRelationOid(get_relname_relid("hold", get_namespace_oid("softdelete_internal", false)),
                    to_server(lock));
}

std::int64_t insert_hold(pg::Spi &spi, Oid relation, const std::vector<std::string> &key,
                         const std::string &reason) {
    pg::UserScope owner(pg::get_extension_owner());
    return spi
        .query("INSERT INTO softdelete_internal.hold (relation, key, reason) VALUES ($1::pg_catalog.oid, "
               "$2::pg_catalog.text[], $3) RETURNING id",
               {relation, pg::make_array(key), reason})
        .front()
        .number(0);
}

std::optional<Oid> find_held_relation(pg::Spi &spi, std::int64_t hold) {
    pg::UserScope owner(pg::get_extension_owner());
    std::vector<pg::Row> rows =
        spi.query("SELECT relation::pg_catalog.oid FROM softdelete_internal.hold WHERE id = "
                  "$1::pg_catalog.int8 AND released_at IS NULL",
                  {hold});
    return rows.empty() ? std::nullopt : std::optional(rows.front().oid(0));
}

bool release_hold(pg::Spi &spi, std::int64_t hold) {
    pg::UserScope owner(pg::get_extension_owner());
    return spi.execute("UPDATE softdelete_internal.hold SET released_at = pg_catalog.now(), released_by = "
                       "SESSION_USER WHERE id = $1::pg_catalog.int8 AND released_at IS NULL",
                       {hold})
           == 1;
}

} // namespace softdelete::registry
