// Decides, per reference to a registered table, which rows it sees. The decision belongs to the query level that names
// the table and is taken on that level's own conditions, before the planner mixes levels: the answer never depends on
// the plan. Plain server code.
#pragma once

#include "session/plan_notes.hpp"
#include "session/registered_table.hpp"

namespace softdelete::planner {

// Which rows a reference sees; kept on its range table entry until the relation-info hook.
// past_policy comes from the parser's hook: a statement of our own whose reference sees all rows whatever our policy says.
enum class Scope : Index { undecided = 0, live, all, deleted, past_policy };

// A field of the entry that the planner uses for references to CTEs only.
inline Scope scope_of(const RangeTblEntry *rte) {
    return static_cast<Scope>(rte->ctelevelsup);
}

inline void set_scope(RangeTblEntry *rte, Scope scope) {
    rte->ctelevelsup = static_cast<Index>(scope);
}

// What the session's settings mean for one reference. Under visibility rls they reach no table behind a view or a rule, which
// is read as their owner: his right to see deleted rows is not the caller's.
struct ReferenceView {
    bool is_unfiltered; // whatever the query says
    settings::Visibility visibility;
};

ReferenceView view_of(Query *query, Index reference, const session::RegisteredTable &table,
                      const session::Statement &statement);

// True where the level's conditions on deleted_at alone can only be true for deleted rows. Those on deletion_id do not
// count here: a user's trigger may set it in a live row, and what this decides is what may be removed for good.
bool matches_only_deleted_rows(Query *query, Index reference, const session::RegisteredTable &table);

// The scope of one reference under the statement's visibility: the recycle-bin rule, include_deleted() and a condition
// deleted_at IS NULL of the level's own, which makes the filter superfluous, leave it unfiltered.
Scope decide_scope(Query *query, Index reference, const session::RegisteredTable &table,
                   const session::Statement &statement);

// include_deleted() is true of every row: where the level's scopes are decided its calls have nothing more to say. Takes
// them out of the level's top-level conditions, so that nobody needs the privilege to execute it.
void drop_include_deleted(Query *query);

} // namespace softdelete::planner
