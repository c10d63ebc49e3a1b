// Writes the log of purges by plain INSERT and UPDATE, once per batch. Called by purge/.
#include "registry/purge_log.hpp"

#include "pg/scopes.hpp"

extern "C" {
#include "miscadmin.h"
}

namespace softdelete::registry {

namespace {

// The counts by key as two arrays for jsonb_object(); number strings become numbers below.
pg::Parameter make_names(const PurgeCounts &counts) {
    std::vector<std::string> names;
    for (const auto &[name, count] : counts.blockers) {
        names.push_back(name);
    }
    return {pg::make_array(names)};
}

pg::Parameter make_numbers(const PurgeCounts &counts) {
    std::vector<std::string> numbers;
    for (const auto &[name, count] : counts.blockers) {
        numbers.push_back(std::to_string(count));
    }
    return {pg::make_array(numbers)};
}

pg::Parameter make_number(std::uint64_t number) {
    return {static_cast<std::int64_t>(number)};
}

} // namespace

void PurgeCounts::add(const PurgeCounts &counts) {
    removed += counts.removed;
    anonymized += counts.anonymized;
    held += counts.held;
    blocked += counts.blocked;
    for (const auto &[name, count] : counts.blockers) {
        blockers[name] += count;
    }
}

std::int64_t begin_purge_run(pg::Spi &spi, const catalog::TableInfo &table,
                             const std::optional<std::string> &cutoff, std::uint64_t due) {
    pg::UserScope owner(pg::get_extension_owner());
    return spi
        .query("INSERT INTO softdelete_internal.purge_run (relation, table_name, started_at, run_by, cutoff, "
               "due) VALUES "
               "($1::pg_catalog.oid, $2, pg_catalog.clock_timestamp(), session_user, "
               "$3::pg_catalog.timestamptz, "
               "$4::pg_catalog.int8) RETURNING id",
               {table.relation, table.name, cutoff, make_number(due)})
        .front()
        .number(0);
}

void add_due_rows(pg::Spi &spi, std::int64_t run, std::uint64_t rows) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("UPDATE softdelete_internal.purge_run SET due = due + $2::pg_catalog.int8 WHERE id = "
                "$1::pg_catalog.int8",
                {run, make_number(rows)});
}

void record_purge_batch(pg::Spi &spi, std::int64_t run, const PurgeCounts &counts) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute(
        "UPDATE softdelete_internal.purge_run r SET removed = removed + $2::pg_catalog.int8, anonymized = "
        "anonymized "
        "+ "
        "$3::pg_catalog.int8, held = held + $4::pg_catalog.int8, blocked = blocked + $5::pg_catalog.int8, "
        "batches = batches + 1, last_batch_at = pg_catalog.clock_timestamp(), blockers = CASE WHEN "
        "$6::pg_catalog.text[] = '{}' THEN r.blockers ELSE (SELECT pg_catalog.jsonb_object_agg(s.name, "
        "s.rows) "
        "FROM (SELECT a.name, pg_catalog.sum(a.rows) AS rows FROM (SELECT * FROM ROWS FROM "
        "(pg_catalog.unnest($6::pg_catalog.text[]), pg_catalog.unnest($7::pg_catalog.int8[])) AS n (name, "
        "rows) "
        "UNION ALL SELECT o.key, o.value::pg_catalog.int8 FROM pg_catalog.jsonb_each_text(r.blockers) o) a "
        "GROUP BY a.name) s) END WHERE r.id = $1::pg_catalog.int8",
        {run, make_number(counts.removed), make_number(counts.anonymized), make_number(counts.held),
         make_number(counts.blocked), make_names(counts), make_numbers(counts)});
}

void set_kept_rows(pg::Spi &spi, std::int64_t run, const PurgeCounts &counts) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("UPDATE softdelete_internal.purge_run SET held = $2::pg_catalog.int8, blocked = "
                "$3::pg_catalog.int8, blockers "
                "= pg_catalog.jsonb_object($4::pg_catalog.text[], $5::pg_catalog.text[]) WHERE id = "
                "$1::pg_catalog.int8",
                {run, make_number(counts.held), make_number(counts.blocked), make_names(counts),
                 make_numbers(counts)});
}

void finish_purge_run(pg::Spi &spi, std::int64_t run, bool is_complete) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute(
        "UPDATE softdelete_internal.purge_run SET finished_at = pg_catalog.clock_timestamp(), is_complete = "
        "$2::pg_catalog.bool WHERE id = $1::pg_catalog.int8",
        {run, is_complete});
}

void forget_same_run(pg::Spi &spi, std::int64_t run) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute(
        "DELETE FROM softdelete_internal.purge_run p USING softdelete_internal.purge_run r WHERE r.id = "
        "$1::pg_catalog.int8 AND p.id = (SELECT pg_catalog.max(n.id) FROM "
        "softdelete_internal.purge_run n WHERE n.relation = r.relation AND n.id < r.id) AND "
        "r.removed = 0 AND r.anonymized = 0 AND r.is_complete AND p.is_complete AND p.error IS NULL "
        "AND (p.run_by, p.due, p.removed, p.anonymized, p.held, p.blocked, p.blockers) = "
        "(r.run_by, r.due, r.removed, r.anonymized, r.held, r.blocked, r.blockers)",
        {run});
}

void fail_purge_run(pg::Spi &spi, std::int64_t run, const std::string &sqlstate, const std::string &error) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute(
        "UPDATE softdelete_internal.purge_run SET finished_at = pg_catalog.clock_timestamp(), sqlstate = $2, "
        "error = $3 WHERE id = $1::pg_catalog.int8",
        {run, sqlstate, error});
}

bool was_nothing_due(pg::Spi &spi, Oid relation) {
    pg::UserScope owner(pg::get_extension_owner());
    const std::vector<pg::Row> last =
        spi.query("SELECT due = 0 AND is_complete FROM softdelete_internal.purge_run WHERE relation = "
                  "$1::pg_catalog.oid ORDER BY id DESC LIMIT 1",
                  {relation});
    return !last.empty() && last.front().boolean(0);
}

void log_removal(pg::Spi &spi, const catalog::TableInfo &table, const char *kind, const std::string &actor,
                 const std::optional<std::string> &reason, std::uint64_t rows) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute(
        "INSERT INTO softdelete_internal.removal (relation, table_name, kind, removed_by, role, reason, "
        "rows) VALUES ($1::pg_catalog.oid, $2, $3, $4, session_user, $5, $6::pg_catalog.int8)",
        {table.relation, table.name, kind, actor, reason, make_number(rows)});
}

void trim_purge_log(pg::Spi &spi, int minutes) {
    const Oid role = GetUserId();
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("DELETE FROM softdelete_internal.purge_run r WHERE r.started_at < pg_catalog.now() - "
                "pg_catalog.make_interval(mins => $1::pg_catalog.int4) AND EXISTS (SELECT FROM "
                "softdelete_internal.purge_run n WHERE n.relation = r.relation AND n.id > r.id) AND NOT "
                "EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = r.relation AND NOT "
                "pg_catalog.pg_has_role($2::pg_catalog.oid, c.relowner, 'USAGE'))",
                {std::int64_t{minutes}, role});
    spi.execute("DELETE FROM softdelete_internal.removal r WHERE r.removed_at < pg_catalog.now() - "
                "pg_catalog.make_interval(mins => $1::pg_catalog.int4) AND NOT EXISTS (SELECT FROM "
                "pg_catalog.pg_class c WHERE c.oid = r.relation AND NOT "
                "pg_catalog.pg_has_role($2::pg_catalog.oid, c.relowner, 'USAGE'))",
                {std::int64_t{minutes}, role});
}

} // namespace softdelete::registry
