// Whether the worker may work now: softdelete.worker_window, and softdelete.worker_recovery_delay after the server has become
// a new timeline. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "datatype/timestamp.h"
}

namespace softdelete::worker {

enum class Pause { none, window, recovery };

// Why it may not, and when it may; now where it may.
struct WorkingHours {
    Pause pause;
    TimestampTz next;
};

WorkingHours get_working_hours(TimestampTz now);

} // namespace softdelete::worker
