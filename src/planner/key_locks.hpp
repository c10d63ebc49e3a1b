// How strongly the executor locks a row that it updates, where it fetches the row for a BEFORE UPDATE trigger: as for a
// change of its key if the statement names columns of the key, else less. softdelete_lock is such a trigger.
#pragma once

#include "session/plan_notes.hpp"

namespace softdelete::planner {

// For a DELETE that became an UPDATE: a referenced row is to be locked as for a change of its key, so that nobody
// references it meanwhile. One lock instead of two, or a note that the trigger takes the second.
void lock_keys(Query *query, RangeTblEntry *rte, session::Statement *statement);

// For statements that may delete some rows and only update others, whose trigger takes the second lock where it is needed: an
// update that names a key and does not change it is to lock as it would without us. The privilege for these columns is
// asked for all the same. Nothing where the server needs their names for more than that.
void spare_keys(Query *query, RangeTblEntry *rte);

} // namespace softdelete::planner
