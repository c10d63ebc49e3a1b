// softdelete_internal.purge_run: one row per table and run. Written as the extension's owner, in the transaction of what it tells.
#pragma once

#include "catalog/table_info.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace softdelete::registry {

// What one batch did, or all so far.
struct PurgeCounts {
    std::uint64_t removed = 0;
    std::uint64_t anonymized = 0;
    std::uint64_t held = 0;
    std::uint64_t blocked = 0;
    std::map<std::string, std::uint64_t> blockers; // what kept rows, and how many

    void add(const PurgeCounts &counts);

    // How many rows it tells of.
    std::uint64_t rows() const { return removed + anonymized + held + blocked; }
};

// The role of the session is the one that is recorded.
std::int64_t begin_purge_run(pg::Spi &spi, const catalog::TableInfo &table,
                             const std::optional<std::string> &cutoff, std::uint64_t due);
// Of a run that finds more on its way.
void add_due_rows(pg::Spi &spi, std::int64_t run, std::uint64_t rows);
void record_purge_batch(pg::Spi &spi, std::int64_t run, const PurgeCounts &counts);
// Replaces what the run has counted of rows that stay.
void set_kept_rows(pg::Spi &spi, std::int64_t run, const PurgeCounts &counts);
// is_complete: every due row was looked at.
void finish_purge_run(pg::Spi &spi, std::int64_t run, bool is_complete);
// Removes the line before about the same table where it says the same, and neither run has removed anything.
void forget_same_run(pg::Spi &spi, std::int64_t run);
// The run's last batch was rolled back with this error.
void fail_purge_run(pg::Spi &spi, std::int64_t run, const std::string &sqlstate, const std::string &error);

// Does the last line about the table say that nothing was due?
bool was_nothing_due(pg::Spi &spi, Oid relation);

// A statement has removed rows for good under softdelete.deletion = hard. kind: 'delete' or 'truncate'.
void log_removal(pg::Spi &spi, const catalog::TableInfo &table, const char *kind, const std::string &actor,
                 const std::optional<std::string> &reason, std::uint64_t rows);

// Removes lines that are older, those of removals too, about tables that the current role owns or that are gone, but for the last one of each.
void trim_purge_log(pg::Spi &spi, int minutes);

} // namespace softdelete::registry
