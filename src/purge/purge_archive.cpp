// Finds the archives whose turn it is, and notes what becomes of a run. The run itself stands in purge/archive_run.
#include "purge/purge_archive.hpp"

#include "catalog/table_info.hpp"
#include "holds/held_rows.hpp"
#include "pg/interruptions.hpp"
#include "pg/quote.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "pg/transactions.hpp"
#include "purge/archive_run.hpp"
#include "purge/archived_due.hpp"
#include "purge/held_partition.hpp"
#include "purge/purge_lock.hpp"
#include "registry/error_name.hpp"
#include "registry/purge_log.hpp"
#include "rows/time_partitions.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/elog.h"
#include "utils/timestamp.h"
}

#include <algorithm>
#include <utility>

namespace softdelete::purge {

namespace {

using catalog::TableInfo;

constexpr const char *archives_query = R"(
    SELECT a.relation::pg_catalog.oid
    FROM softdelete_internal.archive a
    JOIN pg_catalog.pg_class c ON c.oid = a.relation
    WHERE pg_catalog.pg_has_role($2::pg_catalog.oid, c.relowner, 'USAGE')
      AND ($1::pg_catalog.oid IS NULL OR a.relation = $1::pg_catalog.oid)
    ORDER BY c.relname, 1)";

std::uint64_t count_held(pg::Spi &spi, const TableInfo &table, const std::string &cutoff) {
    if (!holds::has_holds(spi)) {
        return 0;
    }
    const TableInfo archive = catalog::get_archive(table);
    const rows::RowSet held = find_held_in_archive(spi, archive);
    pg::ReadScope scope(archive.owner);
    return static_cast<std::uint64_t>(
        spi.query(sqltext::format("SELECT pg_catalog.count(*) FROM %1% AS a WHERE a.%2% < "
                                  "$3::pg_catalog.timestamptz AND %3% AND %4%",
                                  archive.name, table.archive->deleted_at,
                                  rows::make_membership(archive, "a", 1), make_archived_pending(spi, table)),
                  {held.tables(), held.positions(), pg::Parameter(cutoff, TIMESTAMPTZOID)})
            .front()
            .number(0));
}

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

// Found before: it may have another owner since, or no archive any more. Locked, as is its archive, so that it stays what it is.
std::optional<TableInfo> lock_archived(pg::Spi &spi, Oid relation) {
    if (!pg::lock_if_there(relation, pg::Lock::access_share) || !pg::owns_relation(relation)) {
        return std::nullopt;
    }
    TableInfo table = catalog::get_table(spi, relation);
    if (table.archive) {
        (void)pg::lock_if_there(table.archive->relation, pg::Lock::access_share);
        table = catalog::get_table(spi, relation);
    }
    return table.is_archived() ? std::optional(table) : std::nullopt;
}

// Each transaction within a savepoint, as those of purge_rows.cpp.
void purge_archive(pg::Spi &spi, Oid relation, const PurgeRequest &request, PurgeRequest::Time started) {
    const std::optional<TableInfo> locked = lock_archived(spi, relation);
    if (!locked) {
        return;
    }
    const TableInfo &table = *locked;
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
        run_archive_purge(spi, table, request, started, &logged_run, [&] {
            if (request.may_commit) {
                savepoint->commit();
                commit_archive(request);
                savepoint.emplace();
            }
        });
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

void preview_archive(pg::Spi &spi, const TableInfo &table, std::vector<DueLine> *lines) {
    std::optional<std::string> cutoff = read_archive_cutoff(spi, table.relation);
    std::uint64_t due = cutoff ? count_archived_due(spi, table, *cutoff) : 0;
    const std::uint64_t held = due > 0 ? count_held(spi, table, *cutoff) : 0;
    auto line = std::find_if(lines->begin(), lines->end(),
                             [&](const DueLine &other) { return other.relation == table.relation; });
    if (line == lines->end()) {
        lines->push_back({table.relation, cutoff, due, held, 0});
    } else { // the table is between the strategies
        line->due += due;
        line->held += held;
    }
}

bool has_work_in_archive(pg::Spi &spi, const TableInfo &table) {
    std::optional<std::string> cutoff = read_archive_cutoff(spi, table.relation);
    return (cutoff && has_archived_due(spi, table, table.archive->name, *cutoff))
           || !rows::has_next_partition(table.archive->relation, GetCurrentTimestamp());
}

} // namespace

bool names_archive(pg::Spi &spi, std::optional<Oid> relation) {
    if (!relation) {
        return false;
    }
    const TableInfo table = catalog::get_table(spi, *relation);
    if (table.is_archived() && !pg::owns_relation(table.relation)) {
        pg::raise({.sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
                   .message = "must be owner of table " + table.title.substr(1, table.title.size() - 2),
                   .hint = "The table's owner, a member of that role, or a superuser can do this.",
                   .relation = table.relation});
    }
    return table.is_archived() && !table.is_registered;
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

void purge_archives(pg::Spi &spi, const PurgeRequest &request, PurgeRequest::Time started) {
    for (Oid relation : find_purgeable_archives(spi, request.relation)) {
        if (!request.is_over(started)) {
            purge_archive(spi, relation, request, started);
        }
    }
}

void preview_archives(pg::Spi &spi, std::optional<Oid> relation, std::vector<DueLine> *lines) {
    for (Oid archived : find_purgeable_archives(spi, relation)) {
        std::string title;
        try {
            pg::Subtransaction savepoint;
            const std::optional<TableInfo> table = lock_archived(spi, archived);
            if (table && table->lacks_archive) {
                warn_of_missing(*table);
            } else if (table) {
                title = table->title;
                preview_archive(spi, *table, lines);
            }
            savepoint.commit();
        } catch (const pg::ServerError &error) {
            if (pg::is_interruption(error)) {
                throw;
            }
            pg::warn(
                sqltext::format("could not look at the archive of table %1%: %2%", title, error.message()));
        }
    }
}

bool has_due_archives(pg::Spi &spi) {
    for (Oid relation : find_purgeable_archives(spi, std::nullopt)) {
        try {
            pg::Subtransaction savepoint;
            const std::optional<TableInfo> table = lock_archived(spi, relation);
            bool has_work = table && !table->lacks_archive && has_work_in_archive(spi, *table);
            savepoint.commit();
            if (has_work) {
                return true;
            }
        } catch (const pg::ServerError &error) {
            if (pg::is_interruption(error)) {
                throw;
            }
            return true; // the run says what is wrong
        }
    }
    return false;
}

} // namespace softdelete::purge
