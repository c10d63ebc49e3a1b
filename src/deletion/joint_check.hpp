// One look at the parent of a new row instead of two: the server's check of a foreign key and ours. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "executor/execdesc.h"
}

namespace softdelete::deletion {

// Called when a statement's execution was set up and its triggers have got their places, before it runs: where rows that it inserts have their parents checked by the
// server and then by triggers/check_parent, both are done at the server's place, by one probe of the parent's index that
// locks the row as the server does. What that probe does not find to be in order is left to the two checks themselves, one
// after the other.
void join_parent_checks(const QueryDesc *query);

} // namespace softdelete::deletion
