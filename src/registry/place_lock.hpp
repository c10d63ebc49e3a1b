// Keeps deleted rows where they are, marked in their table or in its archive, while something looks for them in both: a table
// whose strategy changes in batches has some here and some there. Plain server code.
#pragma once

#include "pg/server.hpp"

namespace softdelete::registry {

// Until the transaction ends nobody moves rows of any table from one place to the other. Waits for a batch that is under way, which
// waits for nothing longer than its lock_timeout, and for a change of strategy in one transaction. Taken before the first look; a snapshot
// from before is the caller's affair. No order between this lock and those of tables: a change of strategy, which has both, waits for neither for long.
void keep_rows_in_place();

// Until the transaction ends nobody looks for rows in both places. Waits for those who do, up to lock_timeout: with a table locked that is
// to be short. Taken before holds are locked, which keeps rows in place: two who had that would wait for each other.
void move_rows_alone();

} // namespace softdelete::registry
