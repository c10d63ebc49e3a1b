// Deletions that another node of Citus has begun and keeps the log of: what its statements on our shards say of them. Plain
// server code.
#pragma once

#include "deletion/sealed_token.hpp"

extern "C" {
#include "datatype/timestamp.h"
}

namespace softdelete::deletion {

struct AdoptedDeletion {
    int64 id;
    TimestampTz time;
    char *actor;   // a name
    bool is_named; // by softdelete.actor; else it is a role
    int nest_level;
    AdoptedDeletion *next;
};

// Raises 22008 where the time is not about now: no other node's clock
// is a day off.
void adopt_deletion(const Token &token);

// Null where this transaction has not adopted it.
const AdoptedDeletion *find_adopted_deletion(int64 id) noexcept;

// Called by the transaction callbacks.
void end_adopted_deletions() noexcept;
void abort_adopted_deletions(int nest_level) noexcept;
void commit_adopted_deletions(int nest_level) noexcept;

} // namespace softdelete::deletion
