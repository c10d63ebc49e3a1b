// Removes rows of a table that foreign keys reference. All rows of a batch are locked, one statement finds those that are
// referenced, and the DELETE of the others leaves out what would ask again row by row: nobody can reference a locked row.
#pragma once

#include "purge/purge_blockers.hpp"
#include "purge/tid_statement.hpp"

namespace softdelete::purge {

class UnreferencedRows {
public:
    UnreferencedRows(pg::Spi &spi, const PurgeTarget &target, const std::vector<Blocker> &blockers);

    // False where nothing references the table, where a trigger of its owner's might reference the rows meanwhile, and
    // where the transaction would not see the newest references.
    bool may_remove() const;

    // Removes those of the rows that are due and that nothing keeps. Leaves in rows those that another session has
    // locked. Locks: the rows; waits for nobody. Acts as the current role. Raises what its statements raise.
    std::uint64_t remove(Positions &rows, TimestampTz cutoff);

    // True where the tables that may reference the rows have other owners. Then no statement joins them, and this removes
    // the rows that nothing keeps, in any case and with all triggers. Waits for locks as lock_timeout says, or skips.
    bool is_needed() const { return !has_one_owner_; }

    std::uint64_t remove_with_triggers(const Positions &rows, TimestampTz cutoff, bool skips_locked);

private:
    Positions find_referenced(const Positions &rows, TimestampTz cutoff);

    pg::Spi &spi_;
    const PurgeTarget &target_;
    const std::vector<Blocker> &blockers_;
    const bool has_one_owner_;
    PositionStatement lock_;
    PositionStatement lock_unlocked_;
    PositionStatement find_referenced_;
    PositionStatement delete_;
    std::vector<Oid> keys_; // whose rows find_referenced() finds
};

} // namespace softdelete::purge
