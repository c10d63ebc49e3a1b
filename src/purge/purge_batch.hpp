// Removes due rows of one physical table, as its owner and by one DELETE per batch.
#pragma once

#include "holds/held_rows.hpp"
#include "pg/called_settings.hpp"
#include "purge/bisect_failures.hpp"
#include "purge/due_rows.hpp"
#include "purge/purge_blockers.hpp"
#include "purge/unreferenced_rows.hpp"
#include "registry/purge_log.hpp"
#include "rows/row_set.hpp"

namespace softdelete::purge {

// Acts as a role whose own code must not outlive the batch, past its own forced policies, with settings of its own. Users'
// triggers find those of whoever called purge(); the worker calls it as the owner would. What they defer fires with the
// statement: at the commit it would fire with the caller's rights (session/immediate_triggers.hpp).
class PurgeScope {
public:
    explicit PurgeScope(Oid owner);

private:
    pg::CalledSettings called_;
    pg::SettingScope settings_;
    pg::UserScope user_;
    pg::OwnerScope owner_;
};

// A batch's rows by their positions in the target.
rows::RowSet make_row_set(const PurgeTarget &target, const Positions &rows);

class PurgeBatch {
public:
    PurgeBatch(pg::Spi &spi, const catalog::TableInfo &table, const PurgeTarget &target,
               std::vector<Blocker> blockers);

    // Removes those of the rows that are still due and that neither a hold nor a reference keeps, and counts the others.
    // Locks: the rows; waits for nobody longer than a moment. Raises what would fail for every row.
    registry::PurgeCounts remove(TimestampTz cutoff, const Positions &rows);

    // The same for a table whose rows are overwritten by its rules when their retention ends.
    registry::PurgeCounts anonymize(TimestampTz cutoff, const Positions &rows);

private:
    void anonymize_rows(const rows::RowSet &rows);
    void remove_unreferenced(Positions &rows);
    void remove_rows(const Positions &rows);
    std::uint64_t remove_unless_locked(const ItemPointerData *rows, std::size_t count);
    std::uint64_t try_remove(const ItemPointerData *rows, std::size_t count, bool skips_locked);
    void note_failure(const std::string &failure);
    void drop_held(Positions &rows, holds::Harm harm);
    std::vector<std::uint64_t> count_kept(const Positions &rows);
    void explain_kept(const Positions &rows);

    pg::Spi &spi_;
    const catalog::TableInfo &table_;
    const PurgeTarget &target_;
    const std::vector<Blocker> blockers_;
    UnreferencedRows unreferenced_;
    PositionStatement delete_;
    PositionStatement delete_unlocked_;
    PositionStatement find_due_;
    PositionStatement explain_;
    TimestampTz cutoff_ = 0;
    registry::PurgeCounts counts_;
    std::uint64_t failed_ = 0; // rows of this batch that counts_.blockers names with an error
    FailingRows failing_;
};

// How the log names rows that nothing references and that stayed all the same.
inline constexpr const char *kept_otherwise = "rows that another session locked or a trigger kept";

} // namespace softdelete::purge
