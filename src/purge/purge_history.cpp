// A partition is dropped where no entry of it is of a row on hold: that takes a lock on the whole history for a moment, for
// which the run does not wait long.
#include "purge/purge_history.hpp"

#include "history/check_tracking.hpp"
#include "history/held_entries.hpp"
#include "history/row_lives.hpp"
#include "history/tracked_table.hpp"
#include "holds/held_rows.hpp"
#include "holds/hold_tables.hpp"
#include "pg/quote.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "pg/transactions.hpp"
#include "purge/purge_lock.hpp"
#include "registry/error_name.hpp"
#include "registry/history_scan.hpp"
#include "registry/purge_log.hpp"
#include "rows/named_row.hpp"
#include "rows/time_partitions.hpp"
#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"
#include "session/utility_commands.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "miscadmin.h"
#include "utils/elog.h"
#include "utils/timestamp.h"
}

#include <functional>
#include <utility>

namespace softdelete::purge {

namespace {

using catalog::TableInfo;
using rows::RowSet;

constexpr const char *history_lock_wait = "5s";

struct Partition : rows::TimePartition {
    std::uint64_t due;
};

constexpr const char *tracked_query = R"(
    SELECT t.relation::pg_catalog.oid
    FROM softdelete_internal.tracked_table t
    JOIN pg_catalog.pg_class c ON c.oid = t.relation
    WHERE pg_catalog.pg_has_role($2::pg_catalog.oid, c.relowner, 'USAGE')
      AND ($1::pg_catalog.oid IS NULL OR t.relation = $1::pg_catalog.oid)
    ORDER BY c.relname, 1)";

class HistoryPurge {
public:
    // end_batch: ends the transaction where the run may.
    HistoryPurge(pg::Spi &spi, Oid relation, const PurgeRequest &request, PurgeRequest::Time started,
                 std::int64_t *logged_run, std::function<void()> end_batch)
        : spi_(spi)
        , table_(catalog::get_table(spi, relation))
        , history_(catalog::get_table(spi, history::get_history(spi, table_)))
        , request_(request)
        , started_(started)
        , logged_run_(logged_run)
        , end_batch_(std::move(end_batch)) {}

    void run() {
        {
            pg::SettingScope settings; // a transaction that has made one holds it until it ends
            settings.set("lock_timeout", history_lock_wait);
            rows::make_time_partitions(spi_, history_.relation, GetCurrentTimestamp(),
                                       rows::get_partition_width(history_.relation), 2);
        }
        end_batch();
        std::optional<std::string> cutoff = is_changed_ ? std::nullopt : read_cutoff();
        if (!cutoff) {
            return;
        }
        std::vector<Partition> partitions;
        std::uint64_t due = 0;
        for (const rows::TimePartition &partition :
             rows::find_partitions_before(spi_, history_.relation, pg::read_time(*cutoff))) {
            partitions.push_back({partition, count_due(partition, *cutoff)});
            due += partitions.back().due;
        }
        bool has_past = !partitions.empty() && partitions.front().is_past;
        if (due == 0 && !has_past && request_.leaves_out_nothing(spi_, history_.relation)) {
            return;
        }
        run_ = registry::begin_purge_run(spi_, history_, cutoff, due);
        end_batch();
        *logged_run_ = request_.may_commit ? run_ : 0;
        bool is_complete = true;
        for (const Partition &partition : partitions) {
            is_complete = purge_partition(partition, *cutoff) && is_complete;
        }
        request_.finish_run(spi_, run_, is_complete);
        end_batch();
        if (kept_ > 0) {
            pg::notice(sqltext::format("history %1%: removed %2% entries, kept %3% of rows on hold",
                                       history_.title, removed_, kept_));
        }
    }

private:
    std::optional<std::string> read_cutoff() {
        pg::UserScope owner(pg::get_extension_owner());
        pg::ExactTextScope exact;
        auto rows = spi_.query(
            "SELECT pg_catalog.now() - retention FROM softdelete_internal.tracked_table WHERE relation "
            "= $1::pg_catalog.oid AND retention IS NOT NULL",
            {table_.relation});
        return rows.empty() ? std::nullopt : std::optional(rows.front().text(0));
    }

    // Where the transaction ends, others may change what is on hold, and the history itself.
    void end_batch() {
        end_batch_();
        if (request_.may_commit) {
            held_.reset();
            is_changed_ = is_changed_ || !lock_history_as_planned();
            is_part_changed_ =
                part_
                && (is_changed_
                    || rows::lock_partition(spi_, history_.relation, part_->relation) != part_->name);
        }
    }

    bool lock_history_as_planned() const {
        if (!pg::lock_if_there(table_.relation, pg::Lock::access_share)
            || history::find_history(spi_, table_.relation) != history_.relation
            || !pg::lock_if_there(history_.relation, pg::Lock::access_share)) {
            return false;
        }
        const TableInfo now = catalog::get_table(spi_, history_.relation);
        return now.name == history_.name && now.owner == history_.owner;
    }

    bool is_over() const { return is_changed_ || is_part_changed_ || request_.is_over(started_); }

    std::uint64_t count_due(const rows::TimePartition &partition, const std::string &cutoff) {
        pg::OwnerScope owner(history_.owner);
        return static_cast<std::uint64_t>(
            spi_.query(sqltext::format("SELECT pg_catalog.count(*) FROM %1% WHERE history_at < "
                                       "$1::pg_catalog.timestamptz",
                                       partition.name),
                       {cutoff})
                .front()
                .number(0));
    }

    // Of the rows that a hold protects, with their former keys. Nobody makes a hold until the transaction has ended.
    const RowSet &get_held_entries() {
        if (!held_) {
            holds::lock_holds_below(spi_, {table_.relation}, registry::HoldAccess::remove);
            held_ = history::find_held_entries(spi_, table_);
        }
        return *held_;
    }

    static RowSet restrict_to(const RowSet &entries, Oid partition) {
        RowSet found;
        for (const rows::RowId &entry : entries.ids()) {
            if (entry.table == partition) {
                found.add(entry);
            }
        }
        return found;
    }

    // False where there may be more.
    bool purge_partition(Partition partition, const std::string &cutoff) {
        part_.reset();
        is_part_changed_ = false;
        if (is_over()) {
            return false;
        }
        const auto name = rows::lock_partition(spi_, history_.relation, partition.relation);
        if (!name) { // detached or dropped
            return true;
        }
        partition.name = *name;
        part_ = partition;
        RowSet held = restrict_to(get_held_entries(), partition.relation);
        // The beginning first: what is left is no whole history of that time.
        move_begin(cutoff);
        if (partition.is_past && held.empty()) {
            drop(partition);
            end_batch();
            return true;
        }
        while (remove_batch(partition, cutoff, held)) {
            end_batch();
            request_.rest(started_);
            if (is_over()) {
                return false;
            }
            held = restrict_to(get_held_entries(), partition.relation);
        }
        // What others have committed meanwhile goes in the next batch; what a batch leaves somebody has kept.
        while (held.empty() && count_due(partition, cutoff) > 0) {
            std::uint64_t before = removed_;
            (void)remove_batch(partition, cutoff, held);
            if (removed_ == before && count_due(partition, cutoff) > 0) {
                rows::raise_not_removed(history_, rows::Occasion::purge);
            }
        }
        if (!held.empty()) {
            keep(count_due(partition, cutoff));
        }
        end_batch();
        return true;
    }

    // What was counted is there still, but for what erase() has taken away meanwhile: nobody writes entries of the past.
    void drop(const Partition &partition) {
        session::OwnDdlScope own_ddl;
        pg::SettingScope settings;
        settings.set("lock_timeout", history_lock_wait);
        pg::UserScope owner(history_.owner);
        spi_.execute("DROP TABLE " + partition.name);
        record(partition.due);
    }

    // True where there may be more.
    bool remove_batch(const Partition &partition, const std::string &cutoff, const RowSet &held) {
        std::string statement =
            sqltext::format("%1% DELETE FROM %2% AS t WHERE t.ctid = ANY (ARRAY(SELECT e.ctid FROM %2% AS e "
                            "WHERE e.history_at < "
                            "$3::pg_catalog.timestamptz AND %3% LIMIT $4::pg_catalog.int8))",
                            session::removal_text, partition.name, rows::make_exclusion("e", 1));
        session::OwnStatement own(statement, {.notes = session::note_removal});
        pg::OwnerScope owner(history_.owner);
        std::uint64_t count = spi_.execute(statement, {held.tables(), held.positions(), cutoff,
                                                       static_cast<std::int64_t>(request_.batch_size)});
        if (count > 0) {
            record(count);
        }
        return count == request_.batch_size;
    }

    void record(std::uint64_t count) {
        removed_ += count;
        registry::PurgeCounts counts;
        counts.removed = count;
        registry::record_purge_batch(spi_, run_, counts);
    }

    void keep(std::uint64_t count) {
        kept_ += count;
        registry::PurgeCounts counts;
        counts.held = kept_;
        registry::set_kept_rows(spi_, run_, counts);
    }

    // Once in a run: it is the same for all partitions.
    void move_begin(const std::string &cutoff) {
        if (has_begin_) {
            return;
        }
        has_begin_ = true;
        {
            pg::UserScope owner(pg::get_extension_owner());
            spi_.execute("UPDATE softdelete_internal.tracked_table SET begins_at = GREATEST(begins_at, "
                         "$2::pg_catalog.timestamptz) WHERE relation = $1::pg_catalog.oid",
                         {table_.relation, cutoff});
        }
        pg::call([&] { history::announce_change(table_.relation); });
    }

    pg::Spi &spi_;
    const TableInfo table_;
    const TableInfo history_;
    const PurgeRequest &request_;
    const PurgeRequest::Time started_;
    std::int64_t *const logged_run_; // that outlives an error; 0 for none
    const std::function<void()> end_batch_;
    std::optional<RowSet> held_; // as of this transaction
    std::int64_t run_ = 0;
    bool has_begin_ = false;
    std::uint64_t removed_ = 0;
    std::uint64_t kept_ = 0;
    std::optional<rows::TimePartition> part_; // whose turn it is
    bool is_part_changed_ = false;            // somebody renamed, detached or dropped it meanwhile
    bool is_changed_ = false;                 // somebody ended the history, or gave it away meanwhile
};

void commit(const PurgeRequest &request) {
    if (request.may_commit) {
        pg::commit_and_begin();
        pg::pin_search_path();
    }
}

// The text may quote an entry: it goes to the client alone.
void note_failure(pg::Spi &spi, const TableInfo &history, const PurgeRequest &request,
                  std::int64_t logged_run, pg::ServerError error) {
    if (request.may_commit) {
        pg::roll_back_and_begin();
        pg::pin_search_path();
    }
    std::string text =
        sqltext::format("could not purge history %1%: %2%", history.title, std::string(error.message()));
    std::int64_t run =
        logged_run != 0 ? logged_run : registry::begin_purge_run(spi, history, std::nullopt, 0);
    std::string sqlstate = pg::call([&] { return unpack_sql_state(error.sqlstate()); });
    registry::fail_purge_run(spi, run, sqlstate, registry::name_error(spi, std::move(error)));
    commit(request);
    pg::call([&] { ereport(WARNING_CLIENT_ONLY, (errmsg("%s", text.c_str()))); });
}

// The other histories are purged.
void warn_of_missing_history(const TableInfo &table) {
    pg::warn(sqltext::format("the history of table %1% is missing", table.title),
             sqltext::format("Run SELECT softdelete.track_history(%1%), which begins a new one.",
                             pg::quote_literal(table.name)));
}

bool is_tracked(Oid relation) {
    registry::TrackedRow row = {};
    return pg::call([&] { return registry::find_tracked_row(relation, &row); });
}

// Each transaction within a savepoint, as those of purge_rows.cpp.
void purge_one(pg::Spi &spi, Oid relation, const PurgeRequest &request, PurgeRequest::Time started) {
    // Found before: it may have another owner since, or no history any more.
    if (!pg::lock_if_there(relation, pg::Lock::access_share) || !pg::owns_relation(relation)
        || !is_tracked(relation)) {
        return;
    }
    Oid found = history::find_history(spi, relation);
    if (!OidIsValid(found) || !pg::lock_if_there(found, pg::Lock::access_share)) {
        warn_of_missing_history(catalog::get_table(spi, relation));
        return;
    }
    TableInfo history = catalog::get_table(spi, found);
    PurgeLock lock(history.relation, request.may_commit);
    if (!lock.is_held()) {
        pg::notice(sqltext::format("history %1% is being purged by another session", history.title));
        return;
    }
    std::optional<pg::Subtransaction> savepoint;
    std::optional<pg::ServerError> failure;
    std::int64_t logged_run = 0;
    try {
        savepoint.emplace();
        HistoryPurge(spi, relation, request, started, &logged_run, [&] {
            if (request.may_commit) {
                savepoint->commit();
                commit(request);
                savepoint.emplace();
            }
        }).run();
        savepoint->commit();
    } catch (pg::ServerError &error) {
        if (ERRCODE_TO_CATEGORY(error.sqlstate()) == ERRCODE_OPERATOR_INTERVENTION) {
            throw;
        }
        failure.emplace(std::move(error));
    }
    savepoint.reset();
    if (failure) {
        note_failure(spi, history, request, logged_run, std::move(*failure));
    } else {
        commit(request);
    }
}

} // namespace

std::vector<Oid> find_purgeable_histories(pg::Spi &spi, std::optional<Oid> relation) {
    Oid role = GetUserId();
    pg::Parameter wanted = relation ? pg::Parameter(*relation) : pg::Parameter(std::nullopt);
    std::vector<Oid> tables;
    pg::UserScope owner(pg::get_extension_owner());
    for (const pg::Row &row : spi.query(tracked_query, {wanted, role})) {
        tables.push_back(row.oid(0));
    }
    return tables;
}

bool names_history_alone(pg::Spi &spi, std::optional<Oid> relation) {
    return relation && !find_purgeable_histories(spi, relation).empty()
           && !catalog::get_table(spi, *relation).is_registered;
}

void purge_histories(pg::Spi &spi, const PurgeRequest &request, PurgeRequest::Time started) {
    for (Oid relation : find_purgeable_histories(spi, request.relation)) {
        if (!request.is_over(started)) {
            purge_one(spi, relation, request, started);
        }
    }
}

} // namespace softdelete::purge
