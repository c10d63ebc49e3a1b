// Reads and writes legal holds. Holds in force are read with a system-table scan and the latest snapshot: a transaction
// that looked at the database before a hold was made must not remove what it protects. Called by holds/.
#include "registry/hold_log.hpp"

#include "pg/scopes.hpp"
#include "registry/registry_scan.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
}

#include <algorithm>

namespace softdelete::registry {

namespace {

LOCKMODE to_server(HoldLock lock) {
    switch (lock) {
    case HoldLock::row_exclusive:
        return RowExclusiveLock;
    case HoldLock::share:
        return ShareLock;
    }
    pg_unreachable();
}

constexpr ScanOrder active_holds = {.table = "hold", .index = "hold_active", .null_column = "released_at"};

ScanOrder holds_of(Oid relation) {
    ScanOrder order = active_holds;
    order.key_column = "relation";
    order.equals = F_OIDEQ;
    order.value = ObjectIdGetDatum(relation);
    return order;
}

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

FoundHold *read_holds(const ScanOrder &order) {
    FoundHold *holds = nullptr;
    OwnScan scan = {};
    if (begin_scan(order, GetLatestSnapshot(), &scan)) {
        for (HeapTuple row = get_next_row(scan); HeapTupleIsValid(row); row = get_next_row(scan)) {
            holds = read_hold(row, scan.table, holds);
        }
        end_scan(scan);
    }
    return holds;
}

// As the generated column key_hash has it.
int64 hash_key(const std::vector<std::string> &key) {
    auto *values = static_cast<Datum *>(palloc(sizeof(Datum) * (key.size() + 1)));
    for (std::size_t i = 0; i < key.size(); i++) {
        values[i] = CStringGetTextDatum(key[i].c_str());
    }
    ArrayType *array =
        construct_array(values, static_cast<int>(key.size()), TEXTOID, -1, false, TYPALIGN_INT);
    FmgrInfo function;
    fmgr_info(F_HASH_ARRAY_EXTENDED, &function);
    return DatumGetInt64(
        FunctionCall2Coll(&function, DEFAULT_COLLATION_OID, PointerGetDatum(array), Int64GetDatum(0)));
}

// The tables of the holds that the order names: the first one's, or all of them where no index gives an order.
List *read_relations(const ScanOrder &order) {
    List *relations = NIL;
    OwnScan scan = {};
    if (!begin_scan(order, GetLatestSnapshot(), &scan)) {
        return relations;
    }
    bool is_ordered = scan.scan->irel != nullptr;
    HeapTuple row = get_next_row(scan);
    while (HeapTupleIsValid(row)) {
        Oid relation = DatumGetObjectId(get_value(row, scan.table, "relation"));
        relations = list_append_unique_oid(relations, relation);
        row = is_ordered ? nullptr : get_next_row(scan);
    }
    end_scan(scan);
    return relations;
}

// From one table to the next, by the index.
List *read_all_relations() {
    List *all = NIL;
    ScanOrder order = active_holds;
    for (List *found = read_relations(order); found != NIL; found = read_relations(order)) {
        all = list_concat_unique_oid(all, found);
        if (list_length(found) > 1) {
            break;
        }
        order.more[0] = {"relation", BTGreaterStrategyNumber, F_OIDGT, ObjectIdGetDatum(linitial_oid(found))};
    }
    return all;
}

// In the order of their ids.
std::vector<Hold> make_holds(const FoundHold *found) {
    std::vector<Hold> holds;
    for (; found != nullptr; found = found->next) {
        holds.push_back({found->id, found->relation, {found->key, found->key + found->values}});
    }
    std::ranges::sort(holds, {}, &Hold::id);
    return holds;
}

std::optional<std::int64_t> find_first(const std::vector<Hold> &holds) {
    return holds.empty() ? std::nullopt : std::optional(holds.front().id);
}

} // namespace

std::vector<Hold> find_active_holds(Oid relation) {
    return make_holds(pg::call([&] { return read_holds(holds_of(relation)); }));
}

std::vector<Oid> find_held_relations() {
    std::vector<Oid> relations;
    const List *found = pg::call([] { return read_all_relations(); });
    for (int i = 0; i < list_length(found); i++) {
        relations.push_back(list_nth_oid(found, i));
    }
    std::ranges::sort(relations);
    return relations;
}

std::optional<std::int64_t> find_active_hold(Oid relation, const std::vector<std::string> &key) {
    std::vector<Hold> holds = make_holds(pg::call([&] {
        ScanOrder order = holds_of(relation);
        order.more[0] = {"key_size", BTEqualStrategyNumber, F_INT4EQ,
                         Int32GetDatum(static_cast<int32>(key.size()))};
        order.more[1] = {"key_hash", BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(hash_key(key))};
        return read_holds(order);
    }));
    std::erase_if(holds, [&](const Hold &hold) { return hold.key != key; });
    return find_first(holds);
}

std::optional<std::int64_t> find_misfit(Oid relation, std::size_t columns) {
    auto find = [&](StrategyNumber strategy, RegProcedure function) {
        ScanOrder order = holds_of(relation);
        order.more[0] = {"key_size", strategy, function, Int32GetDatum(static_cast<int32>(columns))};
        return find_first(make_holds(pg::call([&] { return read_holds(order); })));
    };
    std::optional<std::int64_t> smaller = find(BTLessStrategyNumber, F_INT4LT);
    return smaller ? smaller : find(BTGreaterStrategyNumber, F_INT4GT);
}

bool has_more_holds(Oid relation, std::size_t number) {
    return pg::call([&] {
        OwnScan scan = {};
        if (!begin_scan(holds_of(relation), GetLatestSnapshot(), &scan)) {
            return false;
        }
        std::size_t found = 0;
        while (found <= number && HeapTupleIsValid(get_next_row(scan))) {
            found++;
        }
        end_scan(scan);
        return found > number;
    });
}

std::vector<Hold> find_released_holds(pg::Spi &spi) {
    pg::UserScope owner(pg::get_extension_owner());
    std::vector<Hold> holds;
    for (const pg::Row &row :
         spi.query_kept("SELECT id, relation::pg_catalog.oid, key FROM softdelete_internal.hold"
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
        spi.query_kept("SELECT relation::pg_catalog.oid FROM softdelete_internal.hold WHERE id = "
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
