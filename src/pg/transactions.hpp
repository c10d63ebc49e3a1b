// Transactions and subtransactions of commands that control them: of a procedure called outside of a transaction block,
// and of the background worker.
#pragma once

#include "pg/boundary.hpp"

extern "C" {
#include "utils/resowner.h"
}

namespace softdelete::pg {

// Is the CALL under way one that may commit: not within a transaction block, nor within a function?
bool may_commit(FunctionCallInfo call);

// Raises 25006 in a read-only transaction, as on a standby. Called before anything is locked: the server's own words
// would be about locks and statements that nobody has written.
void refuse_if_read_only(const char *function);

// Commits, or rolls back, and begins the next transaction, READ COMMITTED whatever the session's default is. Needs a
// connection made as SpiMode::non_atomic. Locks that belong to the session stay.
void commit_and_begin();
void roll_back_and_begin();

// A savepoint for the lifetime of the object: commit() keeps what was done since, destruction without it rolls back.
// ServerErrors may be caught outside of it.
class Subtransaction {
public:
    Subtransaction();
    ~Subtransaction();
    Subtransaction(const Subtransaction &) = delete;
    Subtransaction &operator=(const Subtransaction &) = delete;

    void commit();

private:
    MemoryContext memory_;
    ResourceOwner owner_;
    bool is_open_ = true;
};

// Waits so long between transactions; ends early on a signal and raises what it asks for (57014, 57P01).
void sleep_ms(long milliseconds);

} // namespace softdelete::pg
