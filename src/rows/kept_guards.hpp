// The guard of archives and histories: nobody but the extension writes there. It is a trigger for statements, so that each
// partition has its own.
#pragma once

#include "pg/spi.hpp"

#include <string>
#include <vector>

namespace softdelete::rows {

struct GuardGap {
    Oid relation;                      // the archive or history, or a partition
    std::string name;                  // qualified and quoted
    bool is_missing;                   // false: it does not fire
    std::vector<std::string> commands; // bring it back, as the owner of the relation
};

// Of an archive or a history and its partitions, the root first. Changes nothing.
std::vector<GuardGap> find_guard_gaps(pg::Spi &spi, Oid root);

} // namespace softdelete::rows
