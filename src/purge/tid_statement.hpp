// Statements on rows of one physical table by their positions, parsed and planned once for all batches of a run.
#pragma once

#include "purge/due_rows.hpp"
#include "rows/owners_statement.hpp"
#include "session/plan_notes.hpp"

namespace softdelete::purge {

// SQL: the row under this alias, at one of the positions, is due by the cutoff $2. Written so that no index on
// deleted_at answers it: the positions say where the rows are, and among them the due ones of all batches would be read.
std::string make_due_at(const PurgeTarget &target, const char *alias, const std::string &positions = "$1");

// What a DELETE of ours is by which purge() removes rows: the caller has checked the holds and writes the log.
inline constexpr uint32 removal_notes = session::note_holds_checked | session::note_logged;

class PositionStatement {
public:
    PositionStatement(const PurgeTarget &target, std::string sql);

    // Runs it, and then looks at what SPI has left, which is plain server code. Returns how many rows it processed. The
    // tables that it names may be of several owners; the positions of those rows that it returned.
    std::uint64_t execute(
        const ItemPointerData *rows, std::size_t count, TimestampTz cutoff,
        const std::function<void()> &look = [] {}, const session::OwnTraits &traits = {});

    // The same for a DELETE. It does not fire the marker: the caller has checked the holds, the statement itself says what
    // is due, the log is written per batch. Nor does it fire the actions of the foreign keys, by their roots: no row
    // that goes is referenced by them.
    std::uint64_t remove(const ItemPointerData *rows, std::size_t count, TimestampTz cutoff,
                         const std::vector<Oid> &keys = {});

    // The positions that a SELECT of ctid returns, sorted.
    Positions find(const Positions &rows, TimestampTz cutoff);

private:
    const PurgeTarget &target_;
    rows::OwnersStatement statement_;
};

// The rows that are not among the others; both sorted.
Positions subtract(const Positions &rows, const Positions &others);
void sort_positions(Positions &rows);

} // namespace softdelete::purge
