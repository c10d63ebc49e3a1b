// To drop a partition takes a lock on the whole archive for a moment, for which the run does not wait long: a DELETE that
// comes meanwhile waits behind it.
#include "purge/purge_archive.hpp"

#include "catalog/table_info.hpp"
#include "pg/quote.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "pg/transactions.hpp"
#include "purge/purge_lock.hpp"
#include "registry/error_name.hpp"
#include "registry/purge_log.hpp"
#include "registry/retention.hpp"
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

#include <chrono>
#include <functional>
#include <utility>

namespace softdelete::purge {

namespace {

using catalog::TableInfo;
using Clock = std::chrono::steady_clock;

constexpr const char *archive_lock_wait = "2s";
constexpr int archive_partitions_ahead = 2;

struct ExpiredPartition {
    std::string name;
    bool is_expired; // as a whole
};

constexpr const char *archives_query = R"(
    SELECT a.relation::pg_catalog.oid
    FROM softdelete_internal.archive a
    JOIN pg_catalog.pg_class c ON c.oid = a.relation
    WHERE pg_catalog.pg_has_role($2::pg_catalog.oid, c.relowner, 'USAGE')
      AND ($1::pg_catalog.oid IS NULL OR a.relation = $1::pg_catalog.oid)
    ORDER BY c.relname, 1)";

// The bounds stand in the partition's bound, in the time zone of the session.
constexpr const char *expired_query = R"(
    SELECT pg_catalog.format('%I.%I', n.nspname, c.relname),
           pg_catalog.substring(pg_catalog.pg_get_expr(c.relpartbound, c.oid), 'TO \(''([^'']*)''\)')::pg_catalog.timestamptz
               <= $2::pg_catalog.timestamptz
    FROM pg_catalog.pg_inherits i
    JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE i.inhparent = $1::pg_catalog.oid
      AND pg_catalog.substring(pg_catalog.pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']*)''\)')::pg_catalog.timestamptz
              < $2::pg_catalog.timestamptz
    ORDER BY 2 DESC, 1)";

// Before this time rows are due; nothing where there is no retention.
std::optional<std::string> read_cutoff(pg::Spi &spi, Oid relation) {
    pg::UserScope owner(pg::get_extension_owner());
    pg::ExactTextScope exact;
    auto rows = spi.query("SELECT pg_catalog.now() - retention FROM softdelete_internal.archive WHERE "
                          "relation = $1::pg_catalog.oid AND retention IS NOT NULL",
                          {relation});
    return rows.empty() ? std::nullopt : std::optional(rows.front().text(0));
}

std::uint64_t count_due(pg::Spi &spi, const TableInfo &table, const std::string &cutoff) {
    pg::ReadScope scope(table.owner);
    return static_cast<std::uint64_t>(
        spi.query(sqltext::format("SELECT pg_catalog.count(*) FROM %1% AS a WHERE a.%2% < "
                                  "$1::pg_catalog.timestamptz",
                                  table.archive->name, table.archive->deleted_at),
                  {cutoff})
            .front()
            .number(0));
}

// archive: the whole of it, or a partition.
bool has_due(pg::Spi &spi, const TableInfo &table, const std::string &archive, const std::string &cutoff) {
    pg::ReadScope scope(table.owner);
    return spi
        .query(sqltext::format("SELECT EXISTS (SELECT FROM %1% AS a WHERE a.%2% < "
                               "$1::pg_catalog.timestamptz)",
                               archive, table.archive->deleted_at),
               {cutoff})
        .front()
        .boolean(0);
}

class ArchivePurge {
public:
    ArchivePurge(pg::Spi &spi, Oid relation, const PurgeRequest &request, Clock::time_point started,
                 std::int64_t *logged_run, std::function<void()> end_batch)
        : spi_(spi)
        , table_(catalog::get_table(spi, relation))
        , request_(request)
        , started_(started)
        , logged_run_(logged_run)
        , end_batch_(std::move(end_batch)) {}

    void run() {
        {
            pg::SettingScope settings; // a transaction that has made one holds it until it ends
            settings.set("lock_timeout", archive_lock_wait);
            rows::make_time_partitions(spi_, table_.archive->relation, GetCurrentTimestamp(),
                                       rows::get_partition_width(table_.archive->relation),
                                       archive_partitions_ahead);
        }
        end_batch_();
        std::optional<std::string> cutoff = read_cutoff(spi_, table_.relation);
        if (!cutoff) {
            return;
        }
        run_ = registry::begin_purge_run(spi_, table_, cutoff, count_due(spi_, table_, *cutoff));
        end_batch_();
        *logged_run_ = request_.may_commit ? run_ : 0;
        bool is_complete = true;
        for (const ExpiredPartition &partition : find_partitions(*cutoff)) {
            is_complete = is_complete && purge_partition(partition, *cutoff);
        }
        registry::finish_purge_run(spi_, run_, is_complete);
        end_batch_();
    }

private:
    std::vector<ExpiredPartition> find_partitions(const std::string &cutoff) {
        pg::ExactTextScope exact;
        std::vector<ExpiredPartition> found;
        for (const pg::Row &row : spi_.query(expired_query, {table_.archive->relation, cutoff})) {
            found.push_back({row.text(0), row.boolean(1)});
        }
        return found;
    }

    bool is_over() const { return request_.is_over(started_); }

    // False where the retention has become longer meanwhile. Nobody changes it until the batch has ended.
    bool is_due_still(const std::string &cutoff) {
        pg::call([&] { registry::lock_retention(table_.relation, registry::RetentionLock::share); });
        std::optional<std::string> now = read_cutoff(spi_, table_.relation);
        return now
               && spi_.query("SELECT $1::pg_catalog.timestamptz >= $2::pg_catalog.timestamptz",
                             {*now, cutoff})
                      .front()
                      .boolean(0);
    }

    // False where there may be more.
    bool purge_partition(const ExpiredPartition &partition, const std::string &cutoff) {
        if (is_over() || !is_due_still(cutoff)) {
            return false;
        }
        if (partition.is_expired) {
            drop(partition);
            end_batch_();
            return true;
        }
        while (remove_batch(partition, cutoff)) {
            end_batch_();
            if (is_over() || !is_due_still(cutoff)) {
                return false;
            }
        }
        // What others have committed meanwhile goes in the next batch; what a batch leaves somebody has kept.
        while (has_due(spi_, table_, partition.name, cutoff)) {
            std::uint64_t before = removed_;
            (void)remove_batch(partition, cutoff);
            if (removed_ == before && has_due(spi_, table_, partition.name, cutoff)) {
                rows::raise_not_removed(catalog::get_archive(table_));
            }
        }
        end_batch_();
        return true;
    }

    void drop(const ExpiredPartition &partition) {
        session::OwnDdlScope own_ddl;
        pg::SettingScope settings;
        settings.set("lock_timeout", archive_lock_wait);
        pg::UserScope owner(table_.owner);
        std::uint64_t count = static_cast<std::uint64_t>(
            spi_.query("SELECT pg_catalog.count(*) FROM " + partition.name).front().number(0));
        spi_.execute("DROP TABLE " + partition.name);
        record(count);
    }

    bool remove_batch(const ExpiredPartition &partition, const std::string &cutoff) {
        std::string statement =
            sqltext::format("%1% DELETE FROM %2% AS t WHERE t.ctid = ANY (ARRAY(SELECT e.ctid FROM %2% AS e "
                            "WHERE e.%3% < $1::pg_catalog.timestamptz LIMIT $2::pg_catalog.int8))",
                            session::removal_text, partition.name, table_.archive->deleted_at);
        session::OwnStatement own(statement, {.notes = session::note_removal});
        pg::OwnerScope owner(table_.owner);
        std::uint64_t count =
            spi_.execute(statement, {cutoff, static_cast<std::int64_t>(request_.batch_size)});
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

    pg::Spi &spi_;
    const TableInfo table_;
    const PurgeRequest &request_;
    const Clock::time_point started_;
    std::int64_t *const logged_run_; // that outlives an error; 0 for none
    const std::function<void()> end_batch_;
    std::int64_t run_ = 0;
    std::uint64_t removed_ = 0;
};

void commit_archive(const PurgeRequest &request) {
    if (request.may_commit) {
        pg::commit_and_begin();
        pg::pin_search_path();
    }
}

// The text may quote a row: it goes to the client alone.
void note_archive_failure(pg::Spi &spi, const TableInfo &table, const PurgeRequest &request,
                          std::int64_t logged_run, pg::ServerError error) {
    if (request.may_commit) {
        pg::roll_back_and_begin();
        pg::pin_search_path();
    }
    std::string text = sqltext::format("could not purge the archive of table %1%: %2%", table.title,
                                       std::string(error.message()));
    std::int64_t run = logged_run != 0 ? logged_run : registry::begin_purge_run(spi, table, std::nullopt, 0);
    std::string sqlstate = pg::call([&] { return unpack_sql_state(error.sqlstate()); });
    registry::fail_purge_run(spi, run, sqlstate, registry::name_error(spi, std::move(error)));
    commit_archive(request);
    pg::call([&] { ereport(WARNING_CLIENT_ONLY, (errmsg("%s", text.c_str()))); });
}

// The other tables are purged.
void warn_of_missing(const TableInfo &table) {
    pg::warn(sqltext::format("the archive of table %1% is missing", table.title),
             sqltext::format("Run SELECT * FROM softdelete.repair(%1%), which makes a new one.",
                             pg::quote_literal(table.name)));
}

// Each transaction within a savepoint, as those of purge_rows.cpp.
void purge_archive(pg::Spi &spi, Oid relation, const PurgeRequest &request, Clock::time_point started) {
    const TableInfo table = catalog::get_table(spi, relation);
    if (table.lacks_archive) {
        warn_of_missing(table);
        return;
    }
    PurgeLock lock(relation, request.may_commit);
    if (!lock.is_held()) {
        pg::notice(
            sqltext::format("the archive of table %1% is being purged by another session", table.title));
        return;
    }
    std::optional<pg::Subtransaction> savepoint;
    std::optional<pg::ServerError> failure;
    std::int64_t logged_run = 0;
    try {
        savepoint.emplace();
        ArchivePurge(spi, relation, request, started, &logged_run, [&] {
            if (request.may_commit) {
                savepoint->commit();
                commit_archive(request);
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
        note_archive_failure(spi, table, request, logged_run, std::move(*failure));
    } else {
        commit_archive(request);
    }
}

} // namespace

bool names_archive(pg::Spi &spi, std::optional<Oid> relation) {
    if (!relation) {
        return false;
    }
    const TableInfo table = catalog::get_table(spi, *relation);
    if ((table.archive || table.lacks_archive) && !pg::owns_relation(table.relation)) {
        pg::raise({.sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
                   .message = "must be owner of table " + table.title.substr(1, table.title.size() - 2),
                   .hint = "The table's owner, a member of that role, or a superuser can do this.",
                   .relation = table.relation});
    }
    return table.archive || table.lacks_archive;
}

std::vector<Oid> find_purgeable_archives(pg::Spi &spi, std::optional<Oid> relation) {
    Oid role = GetUserId();
    pg::Parameter wanted =
        relation ? pg::Parameter(catalog::get_table(spi, *relation).relation) : pg::Parameter(std::nullopt);
    std::vector<Oid> tables;
    pg::UserScope owner(pg::get_extension_owner());
    for (const pg::Row &row : spi.query(archives_query, {wanted, role})) {
        tables.push_back(row.oid(0));
    }
    return tables;
}

void purge_archives(pg::Spi &spi, const PurgeRequest &request) {
    Clock::time_point started = Clock::now();
    for (Oid relation : find_purgeable_archives(spi, request.relation)) {
        if (!request.is_over(started)) {
            purge_archive(spi, relation, request, started);
        }
    }
}

void preview_archives(pg::Spi &spi, std::optional<Oid> relation, std::vector<DueLine> *lines) {
    for (Oid archived : find_purgeable_archives(spi, relation)) {
        const TableInfo table = catalog::get_table(spi, archived);
        if (table.lacks_archive) {
            warn_of_missing(table);
            continue;
        }
        std::optional<std::string> cutoff = read_cutoff(spi, archived);
        std::uint64_t due = cutoff ? count_due(spi, table, *cutoff) : 0;
        lines->push_back({archived, cutoff, due, 0, 0});
    }
}

bool has_due_archives(pg::Spi &spi) {
    for (Oid relation : find_purgeable_archives(spi, std::nullopt)) {
        const TableInfo table = catalog::get_table(spi, relation);
        std::optional<std::string> cutoff = read_cutoff(spi, relation);
        if (table.lacks_archive) {
            continue;
        }
        if ((cutoff && has_due(spi, table, table.archive->name, *cutoff))
            || !rows::has_next_partition(table.archive->relation, GetCurrentTimestamp())) {
            return true;
        }
    }
    return false;
}

} // namespace softdelete::purge
