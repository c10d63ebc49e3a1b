// What is known of the statement being planned, and the notes that its plan carries to the executor.
#pragma once

#include "pg/server.hpp"

#include "settings.hpp"

extern "C" {
#include "nodes/params.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
}

namespace softdelete::session {

// Why a plan of ours may reach the marker trigger with a physical DELETE, and whether it writes deletions.
enum PlanNote : uint32 {
    note_planned = 1,      // writes a registered table and was planned under our hook
    note_soft = 2,         // contains a soft delete
    note_hard = 4,         // softdelete.deletion = hard
    note_purge = 8,        // a hand-written purge: the marker checks every row's retention
    note_foreign_key = 16, // a referential action: the marker lets no live row go
    note_key_locked =
        32, // names key columns as updated: the executor locks the old rows as for a key's change
    note_lock_rows = 64, // does not where it would fire a trigger on the key: the trigger locks the rows
    note_removal = 128,  // a statement of ours removes or overwrites rows whatever their state
    note_own = 256,      // a statement of ours (session/own_statement.hpp)
    note_cascade = 512,  // one of the cascade's own statements
    note_restore = 1024, // an update by which restore or undo brings rows back
    note_holds_checked = 2048, // a statement of ours whose rows were checked for holds beforehand
    note_logged = 4096,        // a statement of ours that removes rows and has a log of its own
    note_referential =
        8192, // a referential action: an update or a DELETE by which a foreign key follows another statement
    note_move_back = 16384,  // brings rows back from an archive
    note_distributed = 32768 // deletes rows of a table of Citus, on other nodes
};

// How the cascade's own statements begin, and those that remove or overwrite rows for good: for who reads the statements
// that run. Nothing is known by them.
inline constexpr char cascade_text[] = "/* softdelete cascade */";
inline constexpr char removal_text[] = "/* softdelete removal */";

// One statement on its way through the planner. Plain data; lives on the stack of the planner hook.
struct Statement {
    bool is_foreign_key;             // one of the server's own foreign-key queries
    bool is_cascade;                 // one of the cascade's own statements: soft whatever the setting says
    bool is_removal;                 // one of ours that removes or overwrites rows for good
    bool is_of_citus;                // has no text: Citus plans it for shards of this node
    bool is_unfiltered;              // the whole statement sees all rows
    settings::Visibility visibility; // what the setting means for this statement
    ParamListInfo parameters;        // the values of a custom plan
    uint32 notes;
    List *deleted_from; // OIDs of the tables whose rows a converted DELETE of this statement takes
    List *deletes; // planner::DeleteDecision of each DELETE, and MERGE that deletes, on a registered table
    List *invalidations; // PlanInvalItems of functions that we inlined
    bool depends_on_role;
    bool
        is_planned_again; // names a table of Citus, which has each part planned by itself (session/distributed_tables)
    uint32 scopes; // a bit for each Scope of its references, before writes are converted
};

// Looks at the session, the security context and the query text. Raises nothing. query: null for none of its own.
Statement begin_statement(const Query *query, const char *query_string, ParamListInfo parameters);

// Writes the notes into a finished plan. They survive copying, as the plan cache does it.
void note_in_plan(PlannedStmt *plan, const Statement &statement);

// Is it a DELETE that became an UPDATE, and writes nothing else?
bool is_plain_soft_delete(const PlannedStmt *plan);

// Reads them back; 0 for a plan that was made without our hook.
uint32 notes_of_plan(const PlannedStmt *plan);

} // namespace softdelete::session
