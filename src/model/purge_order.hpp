// The order in which tables are purged: what references comes before what is referenced. Tables that reference each
// other in a circle, or themselves, have to be looked at together.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace softdelete::model {

struct PurgeGroup {
    std::vector<std::size_t> tables; // numbers from 0, ascending
    bool is_cyclic;                  // more than one table, or one that references itself
};

// A reference: first the referencing table, then the referenced one.
using Reference = std::pair<std::size_t, std::size_t>;

// The tables 0 ... count - 1 in groups, referencing ones first.
std::vector<PurgeGroup> order_for_purge(std::size_t count, const std::vector<Reference> &references);

} // namespace softdelete::model
