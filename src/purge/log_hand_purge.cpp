// Logs what users' statements remove for good: counts per statement and table while the statement runs, and writes one line
// per table when it has run. Called by the triggers on deletes and by the executor hook.
#include "purge/log_hand_purge.hpp"

#include "deletion/open_deletions.hpp"
#include "registry/purge_log.hpp"
#include "session/plan_notes.hpp"
#include "session/running_statements.hpp"
#include "settings.hpp"

extern "C" {
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "executor/execdesc.h"
#include "nodes/execnodes.h"
#include "optimizer/plancat.h"
#include "utils/lsyscache.h"
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
    bool is_hard; // under softdelete.deletion = hard
    int nest_level;
    uint64 rows;
};

PurgedRows *entries = nullptr;
int count = 0;
int capacity = 0;

void add_entry(const QueryDesc *query, Oid relation, bool by_foreign_key, bool is_hard) {
    if (count == capacity) {
        int wanted = capacity == 0 ? 8 : capacity * 2;
        Size size = sizeof(PurgedRows) * static_cast<Size>(wanted);
        entries = static_cast<PurgedRows *>(entries == nullptr ? MemoryContextAlloc(TopMemoryContext, size)
                                                               : repalloc(entries, size));
        capacity = wanted;
    }
    entries[count++] = {query, relation, by_foreign_key, is_hard, GetCurrentTransactionNestLevel(), 1};
}

struct Removed {
    std::uint64_t directly;
    std::uint64_t by_foreign_keys;
};

// By table, and by whether they were removed under the setting. A partition's rows are those of its root. Takes the statement's
// entries away.
using RemovedRows = std::map<std::pair<Oid, bool>, Removed>;

RemovedRows take_entries(pg::Spi &spi, const QueryDesc *query) {
    RemovedRows tables;
    int kept = 0;
    for (int i = 0; i < count; i++) {
        const PurgedRows &entry = entries[i];
        if (entry.query == query) {
            Removed &removed = tables[{catalog::get_table(spi, entry.relation).relation, entry.is_hard}];
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

void log_removal(pg::Spi &spi, Oid relation, const char *kind, std::uint64_t rows) {
    const std::string actor = pg::call([] { return deletion::get_actor(); });
    const char *reason = settings::reason();
    registry::log_removal(spi, catalog::get_table(spi, relation), kind, actor,
                          reason == nullptr ? std::nullopt : std::optional<std::string>(reason), rows);
}

void write_log(const QueryDesc *query) {
    pg::Spi spi;
    for (auto &[place, removed] : take_entries(spi, query)) {
        const auto &[relation, is_hard] = place;
        // A trigger after ours may have kept rows; a plain DELETE knows how many went.
        if (removed.directly > 0 && query->operation == CMD_DELETE) {
            removed.directly = std::min<std::uint64_t>(removed.directly, query->estate->es_processed);
        }
        if (is_hard) {
            log_removal(spi, relation, "delete", removed.directly + removed.by_foreign_keys);
            continue;
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

void note_purged_row(Oid relation, bool by_foreign_key, bool is_hard) {
    const QueryDesc *query = by_foreign_key ? session::outermost_statement() : session::running_statement();
    bool is_logged = (session::running_statement_notes() & session::note_logged) != 0;
    if (query == nullptr || is_logged) {
        return;
    }
    int nest_level = GetCurrentTransactionNestLevel();
    for (int i = count; i-- > 0 && entries[i].nest_level == nest_level;) {
        if (entries[i].query == query && entries[i].relation == relation
            && entries[i].by_foreign_key == by_foreign_key && entries[i].is_hard == is_hard) {
            entries[i].rows++;
            return;
        }
    }
    add_entry(query, relation, by_foreign_key, is_hard);
}

void log_truncation(Oid relation) {
    if (!RELKIND_HAS_STORAGE(get_rel_relkind(relation))) {
        return; // its partitions tell
    }
    Relation table = table_open(relation, NoLock); // the command has locked it
    BlockNumber pages = 0;
    double rows = 0;
    double visible = 0;
    estimate_rel_size(table, nullptr, &pages, &rows, &visible);
    table_close(table, NoLock);
    pg::entry([&] {
        pg::Spi spi;
        log_removal(spi, relation, "truncate", static_cast<std::uint64_t>(rows));
    });
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
