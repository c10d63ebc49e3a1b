// A table's retention, as the guards of physical deletes ask for it. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "datatype/timestamp.h"
}

namespace softdelete::catalog {

// Rows of relation (or of the registered table that it is a partition of) deleted before the cutoff may be removed.
struct Cutoff {
    bool has_retention; // without one every deleted row may be removed
    TimestampTz cutoff; // now() minus the retention
};

Cutoff get_cutoff(Oid relation);

} // namespace softdelete::catalog
