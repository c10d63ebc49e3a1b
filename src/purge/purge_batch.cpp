// Removes one batch of due rows of one physical table. The fast way first: one DELETE that waits for row locks a
// moment. Where somebody holds a lock longer, a DELETE that skips locked rows; where rows fail, purge/bisect_failures.
// Called by purge/purge_rows; circles of tables go to purge/purge_cycle.
#include "purge/purge_batch.hpp"
#include "sqltext/format.hpp"

#include "catalog/search_path.hpp"
#include "erasure/anonymize_row.hpp"
#include "holds/held_rows.hpp"
#include "holds/hold_check.hpp"
#include "pg/scopes.hpp"
#include "pg/transactions.hpp"
#include "purge/reference_links.hpp"
#include "rows/owners_statement.hpp"

#include <algorithm>
#include <cstring>

extern "C" {
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "postmaster/bgworker.h"
#include "utils/fmgrprotos.h"
}

namespace softdelete::purge {

namespace {

using registry::PurgeCounts;

constexpr const char *lock_wait = "200ms";

bool waited_too_long(const pg::ServerError &error) {
    return error.sqlstate() == ERRCODE_LOCK_NOT_AVAILABLE
           || error.sqlstate() == ERRCODE_T_R_DEADLOCK_DETECTED;
}

std::string make_delete(const PurgeTarget &target, const std::vector<Blocker> &blockers, bool skips_locked) {
    std::string positions = "$1";
    if (skips_locked) {
        positions =
            sqltext::format("ARRAY(SELECT l.ctid FROM ONLY %1% AS l WHERE %2% FOR UPDATE SKIP LOCKED)",
                            target.name, make_due_at(target, "l"));
    }
    return sqltext::format("DELETE FROM %1%%2%%3%", target.from, make_due_at(target, "p", positions),
                           make_unreferenced(blockers));
}

std::string make_search(const PurgeTarget &target) {
    return sqltext::format("SELECT p.ctid FROM ONLY %1% AS p WHERE %2%", target.name,
                           make_due_at(target, "p"));
}

// Counts the rows that are still due, all and by each blocker.
std::string make_explanation(const PurgeTarget &target, const std::vector<Blocker> &blockers) {
    std::string columns = "pg_catalog.count(*)";
    std::string any;
    for (const Blocker &blocker : blockers) {
        std::string reference = look_up_reference(blocker);
        columns += ", pg_catalog.count(*) FILTER (WHERE " + reference + ")";
        any += (any.empty() ? "" : " OR ") + reference;
    }
    columns += ", pg_catalog.count(*)";
    if (!any.empty()) {
        columns += " FILTER (WHERE NOT (" + any + "))";
    }
    return sqltext::format("SELECT %1% FROM ONLY %2% AS p WHERE %3%", columns, target.name,
                           make_due_at(target, "p"));
}

// Ours, where nobody has called purge().
bool runs_in_worker() {
    return MyBgworkerEntry != nullptr && strcmp(MyBgworkerEntry->bgw_library_name, "softdelete") == 0;
}

} // namespace

PurgeScope::PurgeScope(Oid owner) : called_(pg::CalledSettings::copy()), user_(owner), owner_(owner) {
    if (runs_in_worker()) {
        pg::Spi spi;
        called_.set_path(catalog::get_search_path(spi, owner));
    }
    settings_.set("lock_timeout", lock_wait);
    settings_.set("softdelete.deletion", "soft");
    settings_.set("session_replication_role", "origin");
    // References are looked up by their indexes, row by row: the cost is that of what is due, whatever is live.
    for (const char *name : {"enable_hashjoin", "enable_mergejoin", "enable_seqscan", "enable_sort", "jit"}) {
        called_.keep(name);
        settings_.set(name, "off");
    }
    called_.keep("DateStyle");
    settings_.set("DateStyle", "ISO");
}

rows::RowSet make_row_set(const PurgeTarget &target, const Positions &rows) {
    rows::RowSet set;
    for (const ItemPointerData &row : rows) {
        set.add(rows::RowId{target.relation, row});
    }
    return set;
}

PurgeBatch::PurgeBatch(pg::Spi &spi, const catalog::TableInfo &table, const PurgeTarget &target,
                       std::vector<Blocker> blockers)
    : spi_(spi)
    , table_(table)
    , target_(target)
    , blockers_(std::move(blockers))
    , unreferenced_(spi, target, blockers_)
    , delete_(target, make_delete(target, blockers_, false))
    , delete_unlocked_(target, make_delete(target, blockers_, true))
    , find_due_(target, make_search(target))
    , explain_(target, make_explanation(target, blockers_))
    , failing_(spi, table.relation) {}

PurgeCounts PurgeBatch::remove(TimestampTz cutoff, const Positions &rows) {
    cutoff_ = cutoff;
    counts_ = {};
    failed_ = 0;
    Positions removable = rows;
    drop_held(removable, holds::Harm::removal);
    PurgeScope scope(target_.owner);
    Positions rest = removable;
    if (unreferenced_.may_remove()) {
        remove_unreferenced(rest);
    }
    remove_rows(rest);
    if (counts_.removed + failed_ < removable.size()) {
        explain_kept(removable);
    }
    counts_.blocked += failed_;
    return counts_;
}

PurgeCounts PurgeBatch::anonymize(TimestampTz cutoff, const Positions &rows) {
    counts_ = {};
    Positions due = rows;
    drop_held(due, holds::Harm::overwriting);
    PurgeScope scope(target_.owner);
    rows::RowSet locked;
    for (const pg::Row &row : spi_.query(
             sqltext::format("/* softdelete purge */ SELECT p.tableoid, p.ctid FROM ONLY %1% AS p WHERE "
                             "p.ctid = ANY (CAST($1 AS pg_catalog.tid[])) AND %2% FOR UPDATE SKIP LOCKED",
                             target_.name, make_due_condition(target_, "p", cutoff)),
             {make_row_set(target_, due).positions()})) {
        locked.add(rows::read_row_id(row));
    }
    anonymize_rows(locked);
    counts_.blocked = due.size() - counts_.anonymized;
    if (locked.size() < due.size()) {
        counts_.blockers[kept_otherwise] += due.size() - locked.size();
    }
    return counts_;
}

void PurgeBatch::anonymize_rows(const rows::RowSet &rows) {
    std::vector<rows::RowId> ids(rows.ids().begin(), rows.ids().end());
    failing_.separate(
        ids.size(),
        [&](std::size_t first, std::size_t count) {
            rows::RowSet part;
            for (std::size_t i = first; i < first + count; i++) {
                part.add(ids[i]);
            }
            pg::Subtransaction savepoint;
            std::uint64_t anonymized = erasure::anonymize_rows(spi_, table_, part);
            savepoint.commit();
            counts_.anonymized += anonymized;
        },
        [&](const std::string &failure) { note_failure(failure); });
}

void PurgeBatch::drop_held(Positions &rows, holds::Harm harm) {
    if (!holds::has_holds(spi_)) {
        return;
    }
    rows::RowSet held = holds::find_held_rows(spi_, table_, make_row_set(target_, rows), harm);
    auto is_held = [&](const ItemPointerData &row) {
        return held.contains(rows::RowId{target_.relation, row});
    };
    rows.erase(std::remove_if(rows.begin(), rows.end(), is_held), rows.end());
    counts_.held = held.size();
}

// Where a row fails, all are left to the other way.
void PurgeBatch::remove_unreferenced(Positions &rows) {
    try {
        counts_.removed += unreferenced_.remove(rows, cutoff_);
    } catch (const pg::ServerError &error) {
        if (!is_about_rows(error)) {
            throw;
        }
    }
}

void PurgeBatch::remove_rows(const Positions &rows) {
    failing_.separate(
        rows.size(),
        [&](std::size_t first, std::size_t count) {
            counts_.removed += remove_unless_locked(rows.data() + first, count);
        },
        [&](const std::string &failure) { note_failure(failure); });
}

// Waits for row locks a moment. Where somebody holds one longer, goes without those rows.
std::uint64_t PurgeBatch::remove_unless_locked(const ItemPointerData *rows, std::size_t count) {
    try {
        return try_remove(rows, count, false);
    } catch (const pg::ServerError &error) {
        if (!waited_too_long(error)) {
            throw;
        }
    }
    return try_remove(rows, count, true);
}

std::uint64_t PurgeBatch::try_remove(const ItemPointerData *rows, std::size_t count, bool skips_locked) {
    if (unreferenced_.is_needed()) {
        return unreferenced_.remove_with_triggers(Positions(rows, rows + count), cutoff_, skips_locked);
    }
    pg::Subtransaction savepoint;
    std::uint64_t removed = (skips_locked ? delete_unlocked_ : delete_).remove(rows, count, cutoff_);
    savepoint.commit();
    return removed;
}

void PurgeBatch::note_failure(const std::string &failure) {
    failed_++;
    counts_.blockers[failure]++;
}

// The rows that are still due: all, those that each blocker keeps, and those that none keeps.
std::vector<std::uint64_t> PurgeBatch::count_kept(const Positions &rows) {
    std::vector<std::uint64_t> numbers(blockers_.size() + 2);
    if (unreferenced_.is_needed()) {
        rows::RowSet due = make_row_set(target_, find_due_.find(rows, cutoff_));
        rows::RowSet kept;
        numbers.front() = due.size();
        for (std::size_t i = 0; i < blockers_.size(); i++) {
            rows::RowSet found = get_parents(find_reference_links(spi_, blockers_[i], due));
            numbers[i + 1] = found.size();
            kept.add_all(found);
        }
        numbers.back() = due.size() - kept.size();
        return numbers;
    }
    explain_.execute(rows.data(), rows.size(), cutoff_, [&] {
        for (std::size_t i = 0; i < numbers.size(); i++) {
            bool is_null = false;
            numbers[i] = static_cast<std::uint64_t>(DatumGetInt64(SPI_getbinval(
                SPI_tuptable->vals[0], SPI_tuptable->tupdesc, static_cast<int>(i) + 1, &is_null)));
        }
    });
    return numbers;
}

void PurgeBatch::explain_kept(const Positions &rows) {
    const std::vector<std::uint64_t> numbers = count_kept(rows);
    std::uint64_t kept = numbers.front();
    std::uint64_t otherwise = numbers.back();
    for (std::size_t i = 0; i < blockers_.size(); i++) {
        if (std::uint64_t count = numbers[i + 1]; count > 0) {
            counts_.blockers[blockers_[i].title()] += count;
        }
    }
    // Rows that failed are named already.
    if (otherwise > failed_) {
        counts_.blockers[kept_otherwise] += otherwise - failed_;
    }
    counts_.blocked += kept - std::min(kept, failed_);
}

} // namespace softdelete::purge
