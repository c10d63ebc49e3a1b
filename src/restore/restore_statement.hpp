// The updates by which restore and undo bring rows back: the triggers that check parents let those rows pass, because the
// command checks the whole itself. What users' triggers write meanwhile is checked as ever.
#pragma once

#include "rows/row_set.hpp"
#include "session/own_statement.hpp"

#include <set>

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

// Would such an update fire somebody else's trigger or rule? Locks as above.
bool fires_users_code(Oid table);

// What a restore or an undo brings back: deletions, or these rows of one, which are not changed meanwhile. While it lives,
// rows below those are not below deleted ones: they will be back.
class ComingBackScope {
public:
    // deletion: 0 for none.
    ComingBackScope(std::int64_t deletion, const rows::RowSet *rows) noexcept;
    // All rows of these.
    explicit ComingBackScope(const std::set<std::int64_t> *deletions) noexcept;
    ~ComingBackScope();
    ComingBackScope(const ComingBackScope &) = delete;
    ComingBackScope &operator=(const ComingBackScope &) = delete;

    // Is a deleted row of that deletion one of them? Plain server code.
    static bool contains(int64 deletion, Oid table, const ItemPointerData *place);

private:
    bool is_of(int64 deletion) const;

    const std::int64_t deletion_;
    const std::set<std::int64_t> *deletions_; // null: the one above
    const rows::RowSet *rows_;                // null: all
    const ComingBackScope *outer_;
};

// Is the innermost statement such an update?
bool is_restore_statement();

// Does it bring rows back from an archive?
bool is_moving_back();

} // namespace softdelete::restore
