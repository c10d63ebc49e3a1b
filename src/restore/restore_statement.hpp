// The updates by which restore and undo bring rows back: the triggers that check parents let those rows pass, because the
// command checks the whole itself. What users' triggers write meanwhile is checked as ever.
#pragma once

#include "deletion/skipped_triggers.hpp"

namespace softdelete::restore {

// Announces the next such update. It soft-deletes nothing, so that the triggers for that do not fire; nor do those that
// check parents, where the rows surely keep their links.
class RestoreStatementScope : deletion::AnsweredTriggersScope {
public:
    RestoreStatementScope(const char *sql, Oid table) noexcept
        : deletion::AnsweredTriggersScope(sql, CMD_UPDATE, table) {}

private:
    bool is_answered(Relation table, const Trigger &trigger) override;
};

// Could row security, a rule or somebody else's trigger keep back rows of the table, or of those that inherit from it, from
// such an update? Locks them ACCESS SHARE.
bool may_keep_rows(Oid table);

// Is the innermost statement such an update of one?
bool is_restore_statement() noexcept;

} // namespace softdelete::restore
