// What an event of a trigger is about may have changed since: a deferred event fires late, and an earlier trigger of the
// same event may have updated the row. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "commands/trigger.h"
}

namespace softdelete::triggers {

// The row that an INSERT or UPDATE event left, in its version of now; null where it is gone or in another partition.
HeapTuple find_current_row(const TriggerData *data);

} // namespace softdelete::triggers
