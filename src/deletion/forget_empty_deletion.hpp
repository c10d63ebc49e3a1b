// A deletion that nothing joined, because triggers kept all rows of the statement that began it, is none.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "executor/execdesc.h"
}

namespace softdelete::deletion {

// Called when a statement is through, before its deletion is written. Plain server code.
void forget_empty_deletion(const QueryDesc *query);

} // namespace softdelete::deletion
