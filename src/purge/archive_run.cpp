// To drop a partition takes a lock on the whole archive for a moment, for which the run does not wait long: a DELETE that
// comes meanwhile waits behind it. Where rows are on hold anywhere, a partition is emptied first, which takes none.
#include "purge/archive_run.hpp"

#include "erasure/anonymize_row.hpp"
#include "erasure/reset_statistics.hpp"
#include "history/overwrite_entries.hpp"
#include "holds/held_rows.hpp"
#include "holds/hold_tables.hpp"
#include "pg/quote.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "purge/archived_due.hpp"
#include "purge/held_partition.hpp"
#include "registry/purge_log.hpp"
#include "registry/retention.hpp"
#include "rows/named_row.hpp"
#include "rows/time_partitions.hpp"
#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"
#include "session/utility_commands.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/timestamp.h"
}

#include <utility>

namespace softdelete::purge {

namespace {

using catalog::TableInfo;
using rows::RowSet;
constexpr const char *archive_lock_wait = "2s";
constexpr int archive_partitions_ahead = 2;

class ArchiveRun {
public:
    ArchiveRun(pg::Spi &spi, const TableInfo &table, const PurgeRequest &request, PurgeRequest::Time started,
               std::int64_t *logged_run, const std::function<void()> &end_batch)
        : spi_(spi)
        , table_(table)
        , archive_(catalog::get_archive(table))
        , anonymizes_(erasure::anonymizes_archive(spi, table.relation))
        , request_(request)
        , started_(started)
        , logged_run_(logged_run)
        , end_transaction_(end_batch) {}

    void run() {
        {
            pg::SettingScope settings; // a transaction that has made one holds it until it ends
            settings.set("lock_timeout", archive_lock_wait);
            rows::make_time_partitions(spi_, archive_.relation, GetCurrentTimestamp(),
                                       rows::get_partition_width(archive_.relation),
                                       archive_partitions_ahead);
        }
        end_batch();
        std::optional<std::string> cutoff =
            is_changed_ ? std::nullopt : read_archive_cutoff(spi_, table_.relation);
        if (!cutoff) {
            note_no_retention();
            return;
        }
        const std::vector<rows::TimePartition> partitions =
            rows::find_partitions_before(spi_, archive_.relation, pg::read_time(*cutoff));
        const std::uint64_t due = count_archived_due(spi_, table_, *cutoff);
        bool has_past = !partitions.empty() && partitions.front().is_past;
        if (due == 0 && !has_past && request_.leaves_out_nothing(spi_, table_.relation)) {
            return;
        }
        run_ = registry::begin_purge_run(spi_, table_, cutoff, due);
        end_batch();
        *logged_run_ = request_.may_commit ? run_ : 0;
        bool is_complete = true;
        for (const rows::TimePartition &partition : partitions) {
            is_complete = purge_partition(partition, *cutoff) && is_complete;
        }
        if (anonymized_ > 0) {
            std::set<Oid> touched = history::find_partitions(spi_, table_.relation);
            touched.insert(archive_.relation);
            for (const rows::TimePartition &partition : partitions) {
                touched.insert(partition.relation);
            }
            erasure::reset_statistics(spi_, touched);
        }
        request_.finish_run(spi_, run_, is_complete);
        end_batch();
        if (held_count_ > 0) {
            pg::notice(sqltext::format("archive of table %1%: %2% %3%, held %4%", table_.title,
                                       (anonymizes_ ? "anonymized" : "removed"),
                                       (anonymizes_ ? anonymized_ : removed_), held_count_));
        }
    }

private:
    // Of the table that was named: somebody waits for its rows to go. Its line in the log has no cutoff.
    void note_no_retention() {
        if (!is_changed_ && request_.relation == table_.relation) {
            registry::finish_purge_run(spi_, registry::begin_purge_run(spi_, table_, std::nullopt, 0), true);
            end_batch();
            pg::notice(sqltext::format("archive of table %1% has no retention: its rows stay", table_.title),
                       "softdelete.configure() sets one.");
        }
    }

    // What the next transaction is about is what it was, until that ends as well.
    void end_batch() {
        held_.reset();
        end_transaction_();
        is_changed_ = is_changed_ || !lock_archive_as_planned();
        is_part_changed_ =
            part_
            && (is_changed_ || rows::lock_partition(spi_, archive_.relation, part_->relation) != part_->name);
    }

    bool lock_archive_as_planned() const {
        if (!pg::lock_if_there(table_.relation, pg::Lock::access_share)
            || !pg::lock_if_there(archive_.relation, pg::Lock::access_share)) {
            return false;
        }
        const TableInfo now = catalog::get_table(spi_, table_.relation);
        return now.archive && now.archive->relation == archive_.relation && now.archive->name == archive_.name
               && now.owner == table_.owner && now.archive->deleted_at == table_.archive->deleted_at;
    }

    bool is_over() const { return is_changed_ || is_part_changed_ || request_.is_over(started_); }

    // False where the retention has become longer meanwhile. Nobody changes it until the batch has ended, nor makes a hold.
    bool is_due_still(const std::string &cutoff) {
        pg::call([&] { registry::lock_retention(table_.relation, registry::RetentionLock::share); });
        holds::lock_holds_below(spi_, {table_.relation}, registry::HoldAccess::remove);
        std::optional<std::string> now = read_archive_cutoff(spi_, table_.relation);
        return now
               && spi_.query("SELECT $1::pg_catalog.timestamptz >= $2::pg_catalog.timestamptz",
                             {*now, cutoff})
                      .front()
                      .boolean(0);
    }

    // As of this transaction.
    RowSet get_held(const ArchivePartition &partition) {
        if (!held_) {
            held_ = holds::has_holds(spi_) ? find_held_in_archive(spi_, archive_) : RowSet();
        }
        return restrict_to_partition(*held_, partition);
    }

    // False where there may be more.
    bool purge_partition(const rows::TimePartition &expired, const std::string &cutoff) {
        part_.reset();
        is_part_changed_ = false;
        if (is_over()) {
            return false;
        }
        const auto name = rows::lock_partition(spi_, archive_.relation, expired.relation);
        if (!name) { // detached or dropped
            return true;
        }
        const ArchivePartition partition = {expired.relation, *name};
        part_ = partition;
        if (!is_due_still(cutoff)) {
            return false;
        }
        if (anonymizes_) {
            return anonymize_batches(partition, cutoff);
        }
        if (!expired.is_past) {
            return remove_batches(partition, cutoff);
        }
        if (!holds::has_holds(spi_)) {
            drop(partition);
            end_batch();
            return true;
        }
        bool is_complete = may_put_back(spi_, archive_, partition, get_held(partition))
                               ? remove_at_once(partition)
                               : remove_batches(partition, cutoff);
        if (is_complete && !is_changed_ && !is_part_changed_ && is_due_still(cutoff)) {
            drop_if_empty(partition);
        }
        end_batch();
        return is_complete;
    }

    bool remove_at_once(const ArchivePartition &partition) {
        {
            pg::SettingScope settings;
            settings.set("lock_timeout", archive_lock_wait);
            Emptied emptied = empty_around_held(spi_, archive_, partition, get_held(partition));
            if (emptied.removed > 0) {
                record(emptied.removed);
            }
            keep(emptied.held);
        }
        end_batch();
        return true;
    }

    bool remove_batches(const ArchivePartition &partition, const std::string &cutoff) {
        while (remove_batch(partition, cutoff)) {
            end_batch();
            request_.rest(started_);
            if (is_over() || !is_due_still(cutoff)) {
                return false;
            }
        }
        // What others have committed meanwhile goes in the next batch; what a batch leaves somebody has kept.
        std::uint64_t kept = count_due(partition, cutoff);
        while (kept > get_held(partition).size()) {
            std::uint64_t before = removed_;
            (void)remove_batch(partition, cutoff);
            kept = count_due(partition, cutoff);
            if (removed_ == before && kept > get_held(partition).size()) {
                rows::raise_not_removed(archive_, rows::Occasion::purge);
            }
        }
        keep(kept);
        end_batch();
        return true;
    }

    std::uint64_t count_due(const ArchivePartition &partition, const std::string &cutoff) {
        pg::ReadScope scope(archive_.owner);
        return static_cast<std::uint64_t>(
            spi_.query(sqltext::format("SELECT pg_catalog.count(*) FROM %1% AS a WHERE a.%2% < "
                                       "$1::pg_catalog.timestamptz AND %3%",
                                       partition.name, table_.archive->deleted_at,
                                       make_archived_pending(spi_, table_)),
                       {pg::Parameter(cutoff, TIMESTAMPTZOID)})
                .front()
                .number(0));
    }

    // False where there may be more.
    bool anonymize_batches(const ArchivePartition &partition, const std::string &cutoff) {
        while (anonymize_batch(partition, cutoff)) {
            end_batch();
            request_.rest(started_);
            if (is_over() || !is_due_still(cutoff)) {
                return false;
            }
        }
        keep(count_due(partition, cutoff));
        end_batch();
        return true;
    }

    // True where there may be more.
    bool anonymize_batch(const ArchivePartition &partition, const std::string &cutoff) {
        const RowSet held = get_held(partition);
        RowSet due;
        {
            pg::OwnerScope owner(archive_.owner);
            for (const pg::Row &row : spi_.query(
                     sqltext::format("/* softdelete purge */ SELECT e.tableoid, e.ctid FROM %1% AS e WHERE "
                                     "e.%2% < $3::pg_catalog.timestamptz AND %3% AND %4% LIMIT "
                                     "$4::pg_catalog.int8 FOR UPDATE SKIP LOCKED",
                                     partition.name, table_.archive->deleted_at, rows::make_exclusion("e", 1),
                                     erasure::make_pending_condition("e")),
                     {held.tables(), held.positions(), pg::Parameter(cutoff, TIMESTAMPTZOID),
                      static_cast<std::int64_t>(request_.batch_size)})) {
                due.add(rows::read_row_id(row));
            }
        }
        if (!due.empty()) {
            registry::PurgeCounts counts;
            counts.anonymized = erasure::anonymize_rows(spi_, archive_, due);
            anonymized_ += counts.anonymized;
            registry::record_purge_batch(spi_, run_, counts);
        }
        return due.size() == request_.batch_size;
    }

    void drop(const ArchivePartition &partition) {
        session::OwnDdlScope own_ddl;
        pg::SettingScope settings;
        settings.set("lock_timeout", archive_lock_wait);
        const std::uint64_t count = count_rows(partition);
        {
            pg::UserScope owner(archive_.owner);
            spi_.execute("DROP TABLE " + partition.name);
        }
        record(count);
    }

    // A row may have come to it meanwhile, which the next run looks at. The locks are those of DROP TABLE, in its order.
    void drop_if_empty(const ArchivePartition &partition) {
        session::OwnDdlScope own_ddl;
        pg::SettingScope settings;
        settings.set("lock_timeout", archive_lock_wait);
        if (has_rows(partition)) {
            return;
        }
        pg::UserScope owner(archive_.owner);
        spi_.execute(sqltext::format("LOCK TABLE ONLY %1% IN ACCESS EXCLUSIVE MODE", archive_.name));
        spi_.execute(sqltext::format("LOCK TABLE ONLY %1% IN ACCESS EXCLUSIVE MODE", partition.name));
        if (!has_rows(partition)) {
            spi_.execute("DROP TABLE " + partition.name);
        }
    }

    // Past policies that are forced on the owner: what they hide is there.
    std::uint64_t count_rows(const ArchivePartition &partition) {
        pg::ReadScope scope(archive_.owner);
        return static_cast<std::uint64_t>(
            spi_.query("SELECT pg_catalog.count(*) FROM " + partition.name).front().number(0));
    }

    bool has_rows(const ArchivePartition &partition) {
        pg::ReadScope scope(archive_.owner);
        return spi_.query("SELECT EXISTS (SELECT FROM " + partition.name + ")").front().boolean(0);
    }

    // True where there may be more.
    bool remove_batch(const ArchivePartition &partition, const std::string &cutoff) {
        const RowSet held = get_held(partition);
        std::string statement = sqltext::format(
            "%1% DELETE FROM %2% AS t WHERE t.ctid = ANY (ARRAY(SELECT e.ctid FROM %2% AS e "
            "WHERE e.%3% < $3::pg_catalog.timestamptz AND %4% LIMIT $4::pg_catalog.int8))",
            session::removal_text, partition.name, table_.archive->deleted_at, rows::make_exclusion("e", 1));
        session::OwnStatement own(statement, {.notes = session::note_removal});
        pg::OwnerScope owner(archive_.owner);
        std::uint64_t count =
            spi_.execute(statement, {held.tables(), held.positions(), pg::Parameter(cutoff, TIMESTAMPTZOID),
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
        held_count_ += count;
        registry::PurgeCounts counts;
        counts.held = held_count_;
        registry::set_kept_rows(spi_, run_, counts);
    }

    pg::Spi &spi_;
    const TableInfo &table_;
    const TableInfo archive_;
    const bool anonymizes_; // instead of removing
    const PurgeRequest &request_;
    const PurgeRequest::Time started_;
    std::int64_t *const logged_run_; // that outlives an error; 0 for none
    const std::function<void()> &end_transaction_;
    std::optional<RowSet> held_; // of the archive
    std::int64_t run_ = 0;
    std::uint64_t removed_ = 0;
    std::uint64_t anonymized_ = 0;
    std::uint64_t held_count_ = 0;
    std::optional<ArchivePartition> part_; // whose turn it is
    bool is_part_changed_ = false;         // somebody renamed, detached or dropped it meanwhile
    bool is_changed_ = false; // somebody dropped, unregistered, configured or gave away the table meanwhile
};

} // namespace

void run_archive_purge(pg::Spi &spi, const TableInfo &table, const PurgeRequest &request,
                       PurgeRequest::Time started, std::int64_t *logged_run,
                       const std::function<void()> &end_batch) {
    ArchiveRun(spi, table, request, started, logged_run, end_batch).run();
}

} // namespace softdelete::purge
