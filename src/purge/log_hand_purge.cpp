// Logs purges that users write by hand: counts per statement and table while the statement runs, and writes one line
// per table when it has run. Called by the marker trigger and the executor hook.
#include "purge/log_hand_purge.hpp"

#include "registry/purge_log.hpp"
#include "session/plan_notes.hpp"
#include "session/running_statements.hpp"

extern "C" {
#include "access/xact.h"
#include "executor/execdesc.h"
#include "nodes/execnodes.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
}

#include <algorithm>
#include <map>

namespace softdelete::purge {

namespace {

// Rows that a statement removed from one table or partition, in one (sub)transaction.
struct PurgedRows {
    const QueryDesc *query;
    Oid relation;
    bool by_foreign_key;
    int nest_level;
    uint64 rows;
};

PurgedRows *entries = nullptr;
int count = 0;
int capacity = 0;

void add_entry(const QueryDesc *query, Oid relation, bool by_foreign_key) {
    if (count == capacity) {
        int wanted = capacity == 0 ? 8 : capacity * 2;
        Size size = sizeof(PurgedRows) * static_cast<Size>(wanted);
        entries = static_cast<PurgedRows *>(entries == nullptr ? MemoryContextAlloc(TopMemoryContext, size)
                                                               : repalloc(entries, size));
        capacity = wanted;
    }
    entries[count++] = {query, relation, by_foreign_key, GetCurrentTransactionNestLevel(), 1};
}

struct Removed {
    std::uint64_t directly;
    std::uint64_t by_foreign_keys;
};

// A partition's rows are those of its root. Takes the statement's entries away.
std::map<Oid, Removed> take_entries(pg::Spi &spi, const QueryDesc *query) {
    std::map<Oid, Removed> tables;
    int kept = 0;
    for (int i = 0; i < count; i++) {
        const PurgedRows &entry = entries[i];
        if (entry.query == query) {
            Removed &removed = tables[catalog::get_table(spi, entry.relation).relation];
            (entry.by_foreign_key ? removed.by_foreign_keys : removed.directly) += entry.rows;
        } else {
            entries[kept++] = entry;
        }
    }
    count = kept;
    return tables;
}

bool has_entries(const QueryDesc *query) {
    for (int i = 0; i < count; i++) {
        if (entries[i].query == query) {
            return true;
        }
    }
    return false;
}

void write_log(const QueryDesc *query) {
    pg::Spi spi;
    for (auto &[relation, removed] : take_entries(spi, query)) {
        // A trigger after ours may have kept rows; a plain DELETE knows how many went.
        if (removed.directly > 0 && query->operation == CMD_DELETE) {
            removed.directly = std::min<std::uint64_t>(removed.directly, query->estate->es_processed);
        }
        registry::PurgeCounts counts;
        counts.removed = removed.directly + removed.by_foreign_keys;
        std::int64_t run =
            registry::begin_purge_run(spi, catalog::get_table(spi, relation), std::nullopt, counts.removed);
        registry::record_purge_batch(spi, run, counts);
        registry::finish_purge_run(spi, run, true);
    }
}

} // namespace

void note_purged_row(Oid relation, bool by_foreign_key) {
    const QueryDesc *query = by_foreign_key ? session::outermost_statement() : session::running_statement();
    bool is_logged = (session::running_statement_notes() & session::note_logged) != 0;
    if (query == nullptr || is_logged) {
        return;
    }
    int nest_level = GetCurrentTransactionNestLevel();
    for (int i = count; i-- > 0 && entries[i].nest_level == nest_level;) {
        if (entries[i].query == query && entries[i].relation == relation
            && entries[i].by_foreign_key == by_foreign_key) {
            entries[i].rows++;
            return;
        }
    }
    add_entry(query, relation, by_foreign_key);
}

void log_purged_rows(const QueryDesc *query) {
    if (count == 0 || !has_entries(query)) {
        return;
    }
    // A portal that ends has given its snapshot back already.
    bool needs_snapshot = !ActiveSnapshotSet();
    if (needs_snapshot) {
        PushActiveSnapshot(GetTransactionSnapshot());
    }
    pg::entry([&] { write_log(query); });
    if (needs_snapshot) {
        PopActiveSnapshot();
    }
}

void forget_purged_rows(int nest_level) noexcept {
    while (count > 0 && entries[count - 1].nest_level >= nest_level) {
        count--;
    }
}

void keep_purged_rows(int nest_level) noexcept {
    for (int i = count; i-- > 0 && entries[i].nest_level >= nest_level;) {
        entries[i].nest_level = nest_level - 1;
    }
}

} // namespace softdelete::purge
