// Erasure of one subject's row.
#pragma once

#include "pg/server.hpp"

#include <optional>
#include <string>
#include <vector>

namespace softdelete::erasure {

// Removes the row physically, live or deleted, with its CASCADE descendants of any table, and resets what statistics and
// the extension's own tables hold of it. The table is registered, or has a history. Returns the log entry as JSON.
// Locks: the table and those below it in ROW SHARE, holds on them (HoldAccess::erase), then the rows FOR UPDATE. Acts as the tables' owners.
// Errors: those of get_owned_soft_table(), get_subject_row() and check_reason(); 55000 for rows on hold, and where a trigger
// keeps rows; the server's own where foreign keys refuse. Nothing is half done.
std::string erase_row(Oid relation, const std::optional<std::string> &reason,
                      const std::vector<std::string> &key);

} // namespace softdelete::erasure
