// The rule by which a reference belongs to one of those that had its values: from what histories, archives and tables tell of them.
#pragma once

#include "history/stretches.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace softdelete::erasure {

// Where an archive has a row: in which deletion, 0 for none, and whether the deletion's own transaction may have written it.
struct Filing {
    std::int64_t deletion = 0;
    bool may_be_new = false;
};

// What had the values of a reference, and for how long.
struct Holder {
    history::Stretch held;
    Filing filing;
    bool is_recorded; // by a history: the begin is known
    bool is_known;
};

struct Reference {
    history::Change end;
    bool is_exact; // else the time is the begin of the transaction
    Filing filing;
};

using Holders = std::vector<Holder>;

// As few as say the same: an archived row of which a history has the end is left out, and stretches that follow each other without a
// break are one, where all are of known rows, or none is.
Holders unite(const Holders &holders);

// Is it of a known one? The holder is the one whose history has the values then; else the one that the same deletion took along; else
// the one that left first after that; else the one that is there now, unless its history says that it came later. Nothing where it
// may have been another one.
std::optional<bool> is_of_known(const Holders &all, const Reference &reference);

} // namespace softdelete::erasure
