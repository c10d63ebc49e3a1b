// purge(): the run over tables and batches. Each batch is a transaction with its line in the log. Called by api/purge;
// what happens to the rows of a batch is decided in purge/purge_batch and purge/purge_cycle.
#include "purge/purge_rows.hpp"
#include "sqltext/format.hpp"

#include "catalog/linked_tables.hpp"
#include "holds/hold_tables.hpp"
#include "pg/called_settings.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "pg/transactions.hpp"
#include "purge/lock_purged.hpp"
#include "purge/purge_archive.hpp"
#include "purge/purge_failure.hpp"
#include "purge/purge_history.hpp"
#include "purge/purge_lock.hpp"
#include "purge/purge_parts.hpp"
#include "purge/purge_tables.hpp"
#include "purge/trim_log.hpp"
#include "registry/error_name.hpp"
#include "registry/registry_scan.hpp"
#include "registry/retention.hpp"
#include "settings.hpp"

#include <algorithm>

extern "C" {
#include "miscadmin.h"
#include "utils/timestamp.h"
}

namespace softdelete::purge {

namespace {

using registry::PurgeCounts;

// Batches whose rows are looked up at once, where no batch touches rows of the next.
constexpr std::size_t batches_at_once = 10;

constexpr const char *table_lock_wait = "5s";

class PurgeRun {
public:
    PurgeRun(pg::Spi &spi, const PurgeRequest &request, PurgeRequest::Time started)
        : spi_(spi)
        , request_(request)
        , plan_(plan_purge(spi, request.relation))
        , started_(started) {}

    void run() {
        if (!request_.relation) {
            commit(); // each table is locked at its turn
        }
        if (plan_.tables.empty() && !request_.relation && find_purgeable_histories(spi_, std::nullopt).empty()
            && find_purgeable_archives(spi_, std::nullopt).empty()) {
            pg::notice("no registered table with a retention is yours: nothing is purged");
        }
        purge_groups();
        if (!request_.relation) {
            trim();
        }
    }

private:
    void purge_groups() {
        for (const model::PurgeGroup &group : plan_.groups) {
            for (std::size_t number : group.tables) {
                run_table(group, plan_.tables[number]); // counts what is due, too, where the time is over
            }
        }
    }

    void trim() {
        if (settings::purge_log_retention() >= 0) {
            registry::trim_purge_log(spi_, settings::purge_log_retention());
            commit();
        }
        std::int64_t last = 0;
        while (settings::log_retention() >= 0) {
            last = trim_log(spi_, last, request_.batch_size);
            commit();
            if (last == 0 || is_over()) {
                break;
            }
        }
    }

    void commit() {
        if (request_.may_commit) {
            pg::commit_and_begin();
            pg::pin_search_path();
        }
    }

    // Each transaction of a table's is within a savepoint: rolling it back puts away what an error has left behind, as
    // snapshots and connections, which no procedure may have when it ends a transaction.
    void end_transaction() {
        if (request_.may_commit) {
            savepoint_->commit();
            commit();
            savepoint_.emplace();
        }
    }

    bool is_over() const { return request_.is_over(started_); }

    void run_table(const model::PurgeGroup &group, PurgeTable &table) {
        PurgeLock lock(table.info.relation, request_.may_commit);
        if (!lock.is_held()) {
            refuse_second_run(table.info, request_.relation.has_value());
            return;
        }
        run_ = 0;
        total_ = {};
        is_changed_ = false;
        try {
            savepoint_.emplace();
            purge_table(group, table);
            savepoint_->commit();
        } catch (pg::ServerError &error) {
            if (ERRCODE_TO_CATEGORY(error.sqlstate()) == ERRCODE_OPERATOR_INTERVENTION) {
                throw;
            }
            failure_.emplace(std::move(error));
        }
        savepoint_.reset();
        if (failure_) {
            note_failure(table);
        }
    }

    void note_failure(const PurgeTable &table) {
        if (request_.may_commit) {
            pg::roll_back_and_begin();
            pg::pin_search_path();
        }
        if (run_ == 0 || !request_.may_commit) {
            run_ = registry::begin_purge_run(spi_, table.info, std::nullopt, 0);
        }
        std::string sqlstate = pg::call([&] { return unpack_sql_state(failure_->sqlstate()); });
        std::string message = failure_->message();
        registry::fail_purge_run(spi_, run_, sqlstate, registry::name_error(spi_, std::move(*failure_)));
        commit();
        tell_failure(table.info, sqlstate, message);
        failure_.reset();
    }

    void purge_table(const model::PurgeGroup &group, PurgeTable &table) {
        bool is_there = read_again(spi_, &table);
        registry::Cutoff cutoff = get_cutoff(table.info.relation);
        if (!cutoff.has_retention) {
            note_no_retention(table);
            return;
        }
        if (!is_there) {
            return;
        }
        for (std::size_t number : group.tables) {
            if (&plan_.tables[number] != &table) {
                (void)read_again(spi_, &plan_.tables[number]);
            }
        }
        std::uint64_t due = 0;
        for (const PurgeTarget &target : table.targets) {
            PurgeScope scope(target.owner);
            due += count_due(target, cutoff.cutoff);
        }
        if (due == 0
            && (taken_along_.contains(table.info.relation)
                || request_.leaves_out_nothing(spi_, table.info.relation))) {
            return;
        }
        run_ = registry::begin_purge_run(spi_, table.info, pg::write_time(cutoff.cutoff), due);
        end_transaction();
        for (const PurgeTarget &target : table.targets) {
            purge_target(group, table, target, cutoff.cutoff);
        }
        if (total_.anonymized > 0) {
            reset_statistics(spi_, table); // once a run, whatever ended it: it costs as much as a batch
        }
        request_.finish_run(spi_, run_, due == 0 || (!is_over() && !is_changed_));
        end_transaction();
        tell_what_stays(table.info, total_);
    }

    // Of the table that was named: somebody waits for its rows to go. Its line in the log has no cutoff.
    void note_no_retention(const PurgeTable &table) {
        bool is_registered =
            pg::call([&] { return OidIsValid(registry::find_registered_relation(table.info.relation)); });
        if (request_.relation != table.info.relation || !is_registered) {
            return;
        }
        run_ = registry::begin_purge_run(spi_, table.info, std::nullopt, 0);
        registry::finish_purge_run(spi_, run_, true);
        end_transaction();
        pg::notice(
            sqltext::format("table %1% has no retention: its deleted rows stay until softdelete.configure() "
                            "sets one, or a DELETE of deleted rows removes them",
                            table.info.title));
    }

    // Where the removal of rows moves others, positions of rows that stay are seen twice or not at all: once more until
    // nothing is removed. Where others change rows after their look-up: once more. Only the last time counts what stays.
    void purge_target(const model::PurgeGroup &group, const PurgeTable &table, const PurgeTarget &target,
                      TimestampTz cutoff) {
        PurgeCounts before = total_;
        std::uint64_t removed = before.removed;
        bool is_needed = pass(group, table, target, cutoff);
        while ((is_needed || (table.may_move && total_.removed > removed)) && !is_over() && !is_changed_) {
            removed = total_.removed;
            before.removed = total_.removed;
            before.anonymized = total_.anonymized;
            total_ = before;
            registry::set_kept_rows(spi_, run_, total_);
            (void)pass(group, table, target, cutoff);
            is_needed = false;
        }
    }

    // Were there rows that were not where the look-up had seen them?
    bool pass(const model::PurgeGroup &group, const PurgeTable &table, const PurgeTarget &target,
              TimestampTz cutoff) {
        if (!is_as_found(table, target)) {
            return false;
        }
        DueScan scan(target, group.is_cyclic);
        // As the foreign keys and the tables that they link are now: the run may have begun long ago.
        catalog::lock_linked_tables(spi_, table.info.relation);
        PurgeBatch batch(
            spi_, table.info, target,
            find_blockers(spi_, table.info.is_partitioned ? table.info.relation : target.relation));
        PurgeCycle cycle(spi_, get_group(group), table.info.relation);
        std::size_t batches = group.is_cyclic || table.may_move ? 1 : batches_at_once;
        bool is_missing = false;
        while (!is_over() && is_as_found(table, target)) {
            Positions portion = find_portion(scan, target, cutoff, batches);
            if (portion.empty()) {
                break;
            }
            for (std::size_t i = 0; i < portion.size() && !is_over(); i += request_.batch_size) {
                auto begin = portion.begin() + static_cast<std::ptrdiff_t>(i);
                auto end = portion.begin()
                           + static_cast<std::ptrdiff_t>(std::min(portion.size(), i + request_.batch_size));
                Positions rows(begin, end);
                std::map<Oid, PurgeCounts> counts;
                if (!lock_table(table, target) || !is_as_planned(table)) {
                    is_changed_ = true;
                    return false;
                }
                if (table.anonymizes) {
                    counts[table.info.relation] =
                        batch.anonymize(get_cutoff(table.info.relation).cutoff, rows);
                } else if (group.is_cyclic) {
                    counts = cycle.remove(get_cutoffs(group), target, rows);
                } else {
                    counts[table.info.relation] = batch.remove(get_cutoff(table.info.relation).cutoff, rows);
                }
                is_missing = is_missing || counts[table.info.relation].rows() < rows.size();
                finish_batch(table, counts);
            }
        }
        return is_missing && !group.is_cyclic;
    }

    // Another session may have renamed, detached or dropped the part: the next run sees to it.
    bool is_as_found(const PurgeTable &table, const PurgeTarget &target) {
        bool is_same = lock_parts(spi_, table, {target}, AccessShareLock) && is_as_planned(table);
        is_changed_ = is_changed_ || !is_same;
        return is_same;
    }

    Positions find_portion(DueScan &scan, const PurgeTarget &target, TimestampTz cutoff,
                           std::size_t batches) {
        PurgeScope scope(target.owner);
        return scan.next(cutoff, request_.batch_size * batches);
    }

    // The table and its registration are what they are until the batch has ended. Holds too.
    bool lock_table(const PurgeTable &table, const PurgeTarget &target) {
        pg::SettingScope settings;
        settings.set("lock_timeout", table_lock_wait);
        // The table first: a DROP TABLE that waits for it asks for the holds when it has it.
        bool is_there = lock_parts(spi_, table, {target}, RowExclusiveLock);
        pg::call([&] { registry::lock_retention(target.relation, registry::RetentionLock::share); });
        holds::lock_holds_below(spi_, {target.relation}, registry::HoldAccess::remove);
        return is_there;
    }

    static registry::Cutoff get_cutoff(Oid relation) {
        return pg::call([&] { return registry::get_cutoff(relation); });
    }

    // Under the same names, and with the same end of the retention.
    bool is_as_planned(const PurgeTable &table) const {
        registry::Cutoff cutoff = get_cutoff(table.info.relation);
        if (!cutoff.has_retention || cutoff.anonymizes != table.anonymizes) {
            return false;
        }
        const catalog::TableInfo now = catalog::get_table(spi_, table.info.relation);
        return now.name == table.info.name && now.deleted_at == table.info.deleted_at;
    }

    std::map<Oid, const PurgeTable *> get_group(const model::PurgeGroup &group) const {
        std::map<Oid, const PurgeTable *> tables;
        for (std::size_t number : group.tables) {
            tables[plan_.tables[number].info.relation] = &plan_.tables[number];
        }
        return tables;
    }

    std::map<Oid, TimestampTz> get_cutoffs(const model::PurgeGroup &group) const {
        std::map<Oid, TimestampTz> cutoffs;
        for (const auto &[relation, table] : get_group(group)) {
            bool is_as_planned =
                !table->targets.empty() && lock_parts(spi_, *table, table->targets, RowExclusiveLock);
            pg::call([&] { registry::lock_retention(relation, registry::RetentionLock::share); });
            holds::lock_holds_below(spi_, {relation}, registry::HoldAccess::remove);
            registry::Cutoff cutoff = get_cutoff(relation);
            if (is_as_planned && cutoff.has_retention && !cutoff.anonymizes) {
                cutoffs[relation] = cutoff.cutoff;
            }
        }
        return cutoffs;
    }

    void finish_batch(const PurgeTable &table, const std::map<Oid, PurgeCounts> &counts) {
        for (const auto &[relation, part] : counts) {
            if (relation == table.info.relation) {
                registry::record_purge_batch(spi_, run_, part);
                total_.add(part);
            } else if (part.removed > 0) {
                record_taken_along(relation, part);
            }
        }
        end_transaction();
        if (settings::purge_progress()) {
            pg::notice(sqltext::format("table %1%: removed %2%, held %3%, blocked %4% so far",
                                       table.info.title, total_.removed, total_.held, total_.blocked));
        }
        request_.rest(started_);
    }

    // Rows of another table of the circle: a line of its own says so, one for all batches.
    void record_taken_along(Oid relation, const PurgeCounts &counts) {
        auto [run, is_new] = taken_along_.try_emplace(relation, 0);
        if (is_new) {
            run->second =
                registry::begin_purge_run(spi_, catalog::get_table(spi_, relation), std::nullopt, 0);
        }
        registry::add_due_rows(spi_, run->second, counts.removed);
        registry::record_purge_batch(spi_, run->second, counts);
        registry::finish_purge_run(spi_, run->second, true);
    }

    pg::Spi &spi_;
    const PurgeRequest &request_;
    PurgePlan plan_;
    const PurgeRequest::Time started_;
    std::int64_t run_ = 0;                    // the line in the log
    PurgeCounts total_;                       // of the table
    std::map<Oid, std::int64_t> taken_along_; // lines of tables of which other tables' turns removed rows
    bool is_changed_ =
        false; // somebody dropped, unregistered, configured or gave away the table, or a part, meanwhile
    std::optional<pg::Subtransaction> savepoint_;
    std::optional<pg::ServerError> failure_;
};

} // namespace

void purge_rows(const PurgeRequest &request) {
    pg::CalledSettings called;
    pg::Spi spi(request.may_commit ? pg::SpiMode::non_atomic : pg::SpiMode::atomic);
    // A procedure that commits cannot have a SET clause.
    if (request.may_commit) {
        pg::commit_and_begin();
        pg::pin_search_path();
    } else {
        pg::notice("purge runs within a transaction: its batches are not committed one by one");
    }
    if (request.relation) {
        lock_purged(spi, request.relation);
    }
    const PurgeRequest::Time started = std::chrono::steady_clock::now(); // of the run as a whole
    purge_archives(spi, request, started); // before the log is trimmed, which goes by what they hold
    PurgeRun(spi, request, started).run();
    purge_histories(spi, request, started);
    if (request.may_commit) {
        pg::commit_and_begin();
    }
}

} // namespace softdelete::purge
