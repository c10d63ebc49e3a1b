// The check of deleted parents, where an UPDATE cannot change what it asks. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "executor/execdesc.h"
}

namespace softdelete::deletion {

// Called when a statement's execution was set up, before it runs: takes triggers/check_parent out of an UPDATE that assigns
// neither deleted_at nor a column of a foreign key, to tables without triggers or generated columns that might.
void leave_out_link_checks(const QueryDesc *query);

} // namespace softdelete::deletion
