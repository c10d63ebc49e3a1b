// Triggers that a statement need not fire: row by row, because what they ask was asked of all its rows at once, or at all,
// because it was planned by us. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "executor/execdesc.h"
#include "utils/rel.h"
}

namespace softdelete::deletion {

// Says which of a table's triggers a statement need not fire.
class TriggerAnswers {
public:
    virtual ~TriggerAnswers() = default;
    virtual bool is_answered(Relation table, const Trigger &trigger) = 0;
};

// Takes the triggers for such rows (CMD_UPDATE or CMD_DELETE) out of an execution that was set up.
void leave_out(const QueryDesc *query, CmdType command, TriggerAnswers *answers);

// Takes out the trigger that refuses an UPDATE which was planned without our hook, if this one was planned with it.
// Called when a statement's execution was set up, before it runs.
void leave_out_guard(const QueryDesc *query);

// While it lives, the next statement of that text that writes the table by that command (CMD_UPDATE or CMD_DELETE) does
// not fire the triggers that are answered. That statement alone: none that a rule adds to it, and none that it runs in
// its turn.
class AnsweredTriggersScope : public TriggerAnswers {
public:
    AnsweredTriggersScope(const char *sql, CmdType command, Oid table) noexcept;
    ~AnsweredTriggersScope() override;
    AnsweredTriggersScope(const AnsweredTriggersScope &) = delete;
    AnsweredTriggersScope &operator=(const AnsweredTriggersScope &) = delete;

    // Is it the statement that this scope, or one around it, was made for?
    static bool covers(const QueryDesc *statement) noexcept;

private:
    friend bool leave_out_triggers(const QueryDesc *query);

    bool awaits(const QueryDesc *query) const;

    const char *sql_;
    CmdType command_;
    Oid table_;
    const QueryDesc *statement_ = nullptr;
    AnsweredTriggersScope *outer_;
};

// Could a trigger of somebody else's change a row before it is written to the table?
bool has_changing_trigger(Relation table);

// Called when a statement's execution was set up, before it runs. False where no scope was made for it.
bool leave_out_triggers(const QueryDesc *query);

} // namespace softdelete::deletion
