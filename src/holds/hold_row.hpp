// Legal holds are made and released.
#pragma once

#include "pg/server.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace softdelete::holds {

// Puts a row, live, deleted or archived, under hold and returns the hold's id. Waits for whoever removes rows.
// Locks: ROW EXCLUSIVE on softdelete_internal.hold, the holds of the table and of what lies below it (registry/hold_lock.hpp), ROW SHARE
// on the table, then the row FOR KEY SHARE.
// Errors: those of get_owned_soft_table(), get_subject_row() and check_reason().
std::int64_t hold_row(Oid relation, const std::optional<std::string> &reason,
                      const std::vector<std::string> &key);

// Ends a hold. False where there is none in force with that id. Errors: 42501 for others than the table's owner.
bool release_hold(std::int64_t hold);

} // namespace softdelete::holds
