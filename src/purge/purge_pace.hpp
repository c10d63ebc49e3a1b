// Who runs purge() by the clock: the background worker, which ends a run and rests between its batches as its settings say by
// then. A call of somebody's has its arguments.
#pragma once

#include "pg/server.hpp"

namespace softdelete::purge {

// Plain server code, asked before and after each batch.
struct Pace {
    bool (*is_over)();
    int (*delay)(); // milliseconds
};

// For the rest of the process.
void set_pace(const Pace *pace) noexcept;

// Null where nobody has set one.
const Pace *get_pace() noexcept;

} // namespace softdelete::purge
