// Reads and writes legal holds. Holds in force are read with a system-table scan and the latest snapshot: a transaction
// that looked at the database before a hold was made must not remove what it protects. Called by holds/.
#include "registry/hold_log.hpp"

#include "pg/scopes.hpp"
#include "registry/registry_scan.hpp"

extern "C" {
#include "access/htup_details.h"
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

constexpr ScanOrder active_holds = {.table = "hold", .index = "hold_active", .null_column = "released_at"};

// Plain data in the current memory context.
struct FoundHold {
    int64 id;
    Oid relation;
    int values;
    char **key;
    FoundHold *next;
};

Datum get_value(HeapTuple row, Relation table, const char *column) {
    bool is_null = true;
    AttrNumber number = get_attnum(RelationGetRelid(table), column);
    Datum value = number > 0 ? heap_getattr(row, number, RelationGetDescr(table), &is_null) : 0;
    if (is_null) {
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("hold without a value in column \"%s\"", column)));
    }
    return value;
}

FoundHold *read_hold(HeapTuple row, Relation table, FoundHold *next) {
    auto *hold = static_cast<FoundHold *>(palloc0(sizeof(FoundHold)));
    hold->id = DatumGetInt64(get_value(row, table, "id"));
    hold->relation = DatumGetObjectId(get_value(row, table, "relation"));
    Datum *values = nullptr;
    deconstruct_array(DatumGetArrayTypePCopy(get_value(row, table, "key")), TEXTOID, -1, false, TYPALIGN_INT,
                      &values, nullptr, &hold->values);
    hold->key = static_cast<char **>(palloc(sizeof(char *) * static_cast<Size>(hold->values)));
    for (int i = 0; i < hold->values; i++) {
        hold->key[i] = TextDatumGetCString(values[i]);
    }
    hold->next = next;
    return hold;
}

FoundHold *read_holds() {
    FoundHold *holds = nullptr;
    OwnScan scan = {};
    if (begin_scan(active_holds, GetLatestSnapshot(), &scan)) {
        for (HeapTuple row = get_next_row(scan); HeapTupleIsValid(row); row = get_next_row(scan)) {
            holds = read_hold(row, scan.table, holds);
        }
        end_scan(scan);
    }
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
    OwnScan scan = {};
    if (!begin_scan(active_holds, GetLatestSnapshot(), &scan)) {
        return false;
    }
    bool found = HeapTupleIsValid(get_next_row(scan));
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
