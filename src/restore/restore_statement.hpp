// The updates by which restore and undo bring rows back: the triggers that check parents let those rows pass, because the
// command checks the whole itself. What users' triggers write meanwhile is checked as ever.
#pragma once

#include "session/own_statement.hpp"

namespace softdelete::restore {

// Which triggers such an update does not fire: it soft-deletes nothing, so not those for that; nor those that check
// parents, where the rows surely keep their links.
class RestoreAnswers : public session::TriggerAnswers {
public:
    bool is_answered(Relation table, const Trigger &trigger) override;
};

// Could row security, a rule or somebody else's trigger keep back rows of the table, or of those that inherit from it, from
// such an update? Locks them ACCESS SHARE.
bool may_keep_rows(Oid table);

// Is the innermost statement such an update?
bool is_restore_statement();

} // namespace softdelete::restore
