// A table and its history while entries are read: both are open and locked, so that code of the owner's, which the values of
// his types run, cannot alter, drop or untrack either meanwhile. Whoever reads entries makes one first.
#pragma once

#include "history/read_entries.hpp"

extern "C" {
#include "utils/relcache.h"
}

#include <cstdint>

namespace softdelete::history {

class OpenHistory {
public:
    // relation: the table, or a partition of it. Locks: ACCESS SHARE on the table and its history, which stay until the
    // transaction ends.
    explicit OpenHistory(Oid relation);
    ~OpenHistory();
    OpenHistory(const OpenHistory &) = delete;
    OpenHistory &operator=(const OpenHistory &) = delete;

    // Null where there is no such table, or no history of it.
    const TrackedTable *table() const { return table_; }

    // The history table itself.
    Relation relation() const { return history_; }

    // The deletion that an entry of it names; 0 for none.
    std::int64_t get_deletion(const ReadEntry &entry) const;

private:
    Relation root_ = nullptr;
    Relation history_ = nullptr;
    const TrackedTable *table_ = nullptr;
};

} // namespace softdelete::history
