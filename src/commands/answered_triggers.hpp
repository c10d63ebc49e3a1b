// Triggers that a DELETE of ours need not fire row by row, because what they ask was asked of all its rows at once.
// Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "executor/execdesc.h"
}

namespace softdelete::commands {

// While it lives, the next statement of that text fires neither the marker nor the referential actions of these foreign
// keys (a partition's copy of a key is meant by its root). That statement alone, and none that it runs in its turn.
// What the marker would ask, and that no row is referenced, is for the caller to see to.
class AnsweredTriggersScope {
public:
    AnsweredTriggersScope(const char *sql, const Oid *keys, int count) noexcept;
    ~AnsweredTriggersScope();
    AnsweredTriggersScope(const AnsweredTriggersScope &) = delete;
    AnsweredTriggersScope &operator=(const AnsweredTriggersScope &) = delete;

private:
    friend void leave_out_triggers(const QueryDesc *query);

    bool is_answered(const Trigger &trigger) const;

    const char *sql_;
    const Oid *keys_;
    int count_;
};

// Called when a statement's execution was set up, before it runs.
void leave_out_triggers(const QueryDesc *query);

} // namespace softdelete::commands
