// What counts is whether the row that notes the end is visible to the snapshot: who reads from before the end cannot see it. A session
// reads these rows once, and again when it hears of a new one, as it does at the latest with its lock on the table. Those that each
// later snapshot sees are left out, so that a statement finds an empty list as a rule. Called by registration/unregister_table and
// archive/change_strategy, which note the end, and by the hooks, which ask.
#include "registry/ended_registrations.hpp"

#include "pg/relation_changes.hpp"
#include "pg/scopes.hpp"
#include "registry/registry_scan.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "nodes/parsenodes.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
}

#include <string>

namespace softdelete::registry {

namespace {

constexpr const char *table_name = "ended_registration";

struct Ended {
    Oid relation;
    TransactionId transaction;
    CommandId command; // where the transaction is this one
};

Ended *ended = nullptr;
int ended_count = 0;
int ended_capacity = 0;
bool is_known = false;
Oid known_table = InvalidOid; // where it was read

void forget(Oid relation) {
    is_known = is_known && OidIsValid(relation) && OidIsValid(known_table) && relation != known_table;
}

void add(const Ended &entry) {
    if (ended_count == ended_capacity) {
        int capacity = ended_capacity == 0 ? 8 : 2 * ended_capacity;
        Size size = sizeof(Ended) * static_cast<Size>(capacity);
        ended = static_cast<Ended *>(ended == nullptr ? MemoryContextAlloc(TopMemoryContext, size)
                                                      : repalloc(ended, size));
        ended_capacity = capacity;
    }
    ended[ended_count++] = entry;
}

bool is_seen_by_all(TransactionId transaction) {
    return !TransactionIdIsNormal(transaction) || TransactionIdPrecedes(transaction, TransactionXmin);
}

void read_ended() {
    ended_count = 0;
    known_table = get_relname_relid(table_name, get_namespace_oid("softdelete_internal", true));
    is_known = true; // what is heard of while it is read makes it unknown again
    if (!OidIsValid(known_table) || !has_rows(table_name)) {
        return;
    }
    OwnScan scan = {};
    if (!begin_scan({.table = table_name, .index = "ended_registration_pkey"}, nullptr, &scan)) {
        return;
    }
    HeapTuple row = nullptr;
    while (HeapTupleIsValid(row = get_next_row(scan))) {
        TransactionId transaction = HeapTupleHeaderGetXmin(row->t_data);
        if (!is_seen_by_all(transaction)) {
            bool is_null = true;
            Datum relation = heap_getattr(row, get_attnum(known_table, "relation"),
                                          RelationGetDescr(scan.table), &is_null);
            bool is_own = TransactionIdIsCurrentTransactionId(transaction);
            add({DatumGetObjectId(relation), transaction,
                 is_own ? HeapTupleHeaderGetCmin(row->t_data) : FirstCommandId});
        }
    }
    end_scan(scan);
}

// The rule of HeapTupleSatisfiesMVCC() for the row that notes the end, of which it is known that it is there.
bool is_older(Snapshot snapshot, const Ended &entry) {
    return TransactionIdIsCurrentTransactionId(entry.transaction)
               ? entry.command >= snapshot->curcid
               : XidInMVCCSnapshot(entry.transaction, snapshot);
}

void leave_seen_out() {
    int left = 0;
    for (int i = 0; i < ended_count; i++) {
        if (!is_seen_by_all(ended[i].transaction)) {
            ended[left++] = ended[i];
        }
    }
    ended_count = left;
}

bool may_be_older(Snapshot snapshot) {
    if (snapshot == nullptr || snapshot->snapshot_type != SNAPSHOT_MVCC || IsParallelWorker()) {
        return false;
    }
    if (!is_known) {
        read_ended();
    }
    if (ended_count > 0) {
        leave_seen_out();
    }
    return ended_count > 0;
}

void check(Oid relation, Snapshot snapshot) {
    for (int i = 0; i < ended_count; i++) {
        if (ended[i].relation == relation && is_older(snapshot, ended[i])) {
            ereport(ERROR,
                    (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                     errmsg("could not serialize access due to a change of the registration of table \"%s\"",
                            get_rel_name(relation)),
                     errdetail(
                         "The snapshot is older than the change, and would show deleted rows as live ones."),
                     errhint("Run the transaction again.")));
        }
    }
}

} // namespace

void note_ended_registration(pg::Spi &spi, const std::vector<Oid> &members) {
    pg::UserScope owner(pg::get_extension_owner());
    std::vector<std::string> relations;
    for (Oid member : members) {
        relations.push_back(std::to_string(member));
    }
    // Of tables that are dropped; nobody waits for anybody here.
    spi.execute("DELETE FROM softdelete_internal.ended_registration WHERE relation IN ("
                "SELECT e.relation FROM softdelete_internal.ended_registration e WHERE NOT EXISTS ("
                "SELECT FROM pg_catalog.pg_class c WHERE c.oid = e.relation) FOR UPDATE SKIP LOCKED)");
    spi.execute("INSERT INTO softdelete_internal.ended_registration (relation)"
                " SELECT pg_catalog.unnest($1::pg_catalog.oid[])"
                " ON CONFLICT (relation) DO UPDATE SET ended_at = excluded.ended_at",
                {pg::make_array(relations)});
    pg::call([] {
        Oid table = get_relname_relid(table_name, get_namespace_oid("softdelete_internal", false));
        CacheInvalidateRelcacheByRelid(table);
        CommandCounterIncrement();
    });
}

void refuse_older_snapshot(const QueryDesc *query) {
    if (!may_be_older(query->snapshot)) {
        return;
    }
    ListCell *cell;
    foreach (cell, query->plannedstmt->rtable) {
        const auto *rte = lfirst_node(RangeTblEntry, cell);
        if (rte->rtekind == RTE_RELATION) {
            check(rte->relid, query->snapshot);
        }
    }
}

void refuse_older_snapshot(Oid relation, Snapshot snapshot) {
    if (may_be_older(snapshot)) {
        check(relation, snapshot);
    }
}

void install_ended_registrations() {
    pg::on_relation_change(forget);
}

} // namespace softdelete::registry
