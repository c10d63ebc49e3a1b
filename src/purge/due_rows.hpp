// Finds the due rows of one physical table in the order in which they were deleted, a portion at a time, by the partial
// index on deleted rows. Positions only: millions of them take little memory.
#pragma once

#include "pg/boundary.hpp"

extern "C" {
#include "datatype/timestamp.h"
#include "storage/itemptr.h"
}

#include <cstdint>
#include <string>
#include <vector>

namespace softdelete::purge {

using Positions = std::vector<ItemPointerData>;

// One physical table: a plain one, a partition, an inheritance child.
struct PurgeTarget {
    Oid relation;
    Oid owner;
    std::string name;       // qualified, quoted
    std::string deleted_at; // quoted
    bool has_zone;          // timestamptz; otherwise timestamp, of no known zone
    bool has_children;      // others inherit from it
    bool anonymizes;        // due rows are overwritten, once, and stay
    // A DELETE of its rows names this table: itself, or the root of a partition whose triggers for statements are to fire.
    Oid named;
    std::string from; // SQL: what follows DELETE FROM, up to the rest of the condition; the alias is p

    bool operator==(const PurgeTarget &) const = default;
};

// What the column of the target is compared with. A timestamp without a zone counts as past where it is so in any zone:
// no row goes too early.
Datum get_comparable(const PurgeTarget &target, TimestampTz cutoff);
Oid get_comparable_type(const PurgeTarget &target);

// SQL: the row under this alias was deleted before the cutoff, and not anonymized since where that is its end.
std::string make_due_condition(const PurgeTarget &target, const char *alias, TimestampTz cutoff);

// How many rows are due.
std::uint64_t count_due(const PurgeTarget &target, TimestampTz cutoff);

class DueScan {
public:
    // newest_first: children are younger than their parents, so that trees go from below.
    DueScan(const PurgeTarget &target, bool newest_first);

    // The next rows deleted before the cutoff, up to that number; none where all were seen. Goes on where the last call
    // ended, in another transaction too. Acts as the current role. Raises what a query raises.
    Positions next(TimestampTz cutoff, std::size_t limit);

private:
    using Place = std::uint64_t; // block and offset in one number

    bool is_new(TimestampTz time, const ItemPointerData &row);

    std::string sql_;
    PurgeTarget target_;
    TimestampTz last_; // deleted_at of the last row seen, in the column's terms
    std::vector<Place>
        seen_before_;             // the rows that were deleted at that very time: of earlier portions, sorted
    std::vector<Place> seen_now_; // and of this one
};

// The positions as the parameter of ctid = ANY (...), in the current memory context.
Datum make_positions(const ItemPointerData *rows, std::size_t count);

} // namespace softdelete::purge
