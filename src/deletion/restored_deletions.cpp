// Sets restored_at of deletions whose last row has come back, by whatever statement. Statements note deletions here;
// the executor hook has them looked at when the statement is through, restore() and undo() when they are through.
#include "deletion/restored_deletions.hpp"

#include "deletion/deletion_tables.hpp"
#include "deletion/open_deletions.hpp"
#include "pg/scopes.hpp"
#include "registry/place_lock.hpp"
#include "session/plan_notes.hpp"
#include "session/running_statements.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "access/xact.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"
}

namespace softdelete::deletion {

namespace {

struct Noted {
    int64 deletion;
    int nest_level;
    int place;              // of the statement that restores the row
    bool waits_for_command; // it is an update of restore or undo
    Noted *next;
};

Noted *noted = nullptr;

// SQL: the counts $4 of the tables $3, by name.
constexpr const char *counts_sql =
    "(SELECT pg_catalog.jsonb_object_agg(n.relation::pg_catalog.regclass::pg_catalog.text, n.rows) FROM ROWS "
    "FROM (pg_catalog.unnest($3::pg_catalog.oid[]), pg_catalog.unnest($4::pg_catalog.int8[])) AS n "
    "(relation, "
    "rows))";

// Runs a statement on the log: $1 the deletion, $2 who restores, and the tables and counts.
void tell_log(std::int64_t deletion, const RestoredRows &rows, const std::string &statement) {
    std::vector<std::string> tables;
    std::vector<std::string> counts;
    for (const auto &[relation, count] : rows) {
        if (count > 0) {
            tables.push_back(std::to_string(relation));
            counts.push_back(std::to_string(count));
        }
    }
    const std::string actor = pg::call([] { return get_actor(); });
    pg::Spi spi;
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute_kept(statement, {deletion, actor, pg::make_array(tables), pg::make_array(counts)});
}

// More rows joined it after all were back.
void mark_unrestored(pg::Spi &spi, std::int64_t deletion) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute_kept(
        "UPDATE softdelete_internal.deletion SET restored_at = NULL WHERE id = $1::pg_catalog.int8 AND "
        "restored_at IS NOT "
        "NULL",
        {deletion});
}

void finish(pg::Spi &spi, std::int64_t deletion) {
    {
        // Ids of rows that came with data from elsewhere have no row in the log. The lock makes restores of the same
        // deletion see each other's rows: the last one finds that none is left.
        pg::UserScope owner(pg::get_extension_owner());
        if (spi.query_kept(
                   "SELECT FROM softdelete_internal.deletion WHERE id = $1::pg_catalog.int8 FOR UPDATE",
                   {deletion})
                .empty()) {
            return;
        }
    }
    pg::call([] { registry::keep_rows_in_place(); });
    if (!holds_any_rows(spi, deletion)) {
        mark_restored(deletion);
    } else {
        mark_unrestored(spi, deletion);
    }
}

// The transaction's memory goes with it; nothing here may fail.
template <typename Predicate>
void forget_if(Predicate is_meant) noexcept {
    Noted **place = &noted;
    while (*place != nullptr) {
        if (is_meant(**place)) {
            *place = (*place)->next;
        } else {
            place = &(*place)->next;
        }
    }
}

// Takes a note of a statement that is through; null where there is none. A statement that a trigger runs leaves those of
// the statement that fired it.
const Noted *take_finished(bool is_command_through) {
    int running = session::running_statement_place();
    Noted **place = &noted;
    while (*place != nullptr
           && ((*place)->place <= running || ((*place)->waits_for_command && !is_command_through))) {
        place = &(*place)->next;
    }
    const Noted *entry = *place;
    if (entry != nullptr) {
        *place = entry->next;
    }
    return entry;
}

} // namespace

void note_restored_row(int64 deletion) {
    for (const Noted *entry = noted; entry != nullptr; entry = entry->next) {
        if (entry->deletion == deletion) {
            return;
        }
    }
    auto *entry = static_cast<Noted *>(MemoryContextAlloc(TopTransactionContext, sizeof(Noted)));
    *entry = {deletion, GetCurrentTransactionNestLevel(), Max(session::running_statement_place(), 1),
              (session::running_statement_notes() & session::note_restore) != 0, noted};
    noted = entry;
}

std::uint64_t count_rows(const RestoredRows &rows) {
    std::uint64_t count = 0;
    for (const auto &[relation, number] : rows) {
        count += number;
    }
    return count;
}

void mark_restored(std::int64_t deletion, const RestoredRows &rows) {
    forget_if([&](const Noted &entry) { return entry.deletion == deletion; });
    note_restored_deletion(deletion);
    // An undo may find more rows in a deletion that had all back, so that it adds to what an earlier one has brought back.
    static const std::string statement =
        sqltext::format("UPDATE softdelete_internal.deletion d SET restored_at = pg_catalog.now(), "
                        "restored_by = $2, restored = (SELECT pg_catalog.jsonb_object_agg(s.name, s.rows) "
                        "FROM (SELECT a.name, pg_catalog.sum(a.rows::pg_catalog.int8) FROM (SELECT * FROM "
                        "pg_catalog.jsonb_each_text(d.restored) UNION ALL SELECT * FROM "
                        "pg_catalog.jsonb_each_text(%1%)) a (name, rows) GROUP BY a.name) s (name, "
                        "rows)) WHERE d.id = $1::pg_catalog.int8",
                        counts_sql);
    tell_log(deletion, rows, statement);
}

void add_restored(std::int64_t deletion, const RestoredRows &rows) {
    if (count_rows(rows) > 0) {
        tell_log(
            deletion, rows,
            "INSERT INTO softdelete_internal.restoration (deletion_id, relation, restored_by, rows) SELECT "
            "d.id, n.relation, $2, n.rows FROM softdelete_internal.deletion d, ROWS FROM "
            "(pg_catalog.unnest($3::pg_catalog.oid[]), pg_catalog.unnest($4::pg_catalog.int8[])) AS n "
            "(relation, rows) WHERE d.id = $1::pg_catalog.int8");
    }
}

void look_at_restored(std::int64_t deletion) {
    pg::Spi spi;
    finish(spi, deletion);
}

void finish_restored_deletions(bool is_command_through) {
    if (noted == nullptr) {
        return;
    }
    pg::entry([&] {
        pg::Spi spi;
        while (const Noted *entry = take_finished(is_command_through)) {
            finish(spi, entry->deletion);
        }
    });
}

void forget_restored_deletions(int nest_level) noexcept {
    forget_if([&](const Noted &entry) { return entry.nest_level >= nest_level; });
}

void keep_restored_deletions(int nest_level) noexcept {
    for (Noted *entry = noted; entry != nullptr; entry = entry->next) {
        entry->nest_level = Min(entry->nest_level, nest_level - 1);
    }
}

} // namespace softdelete::deletion
