// Which deletions are meant where traits stand in the place of an id.
#pragma once

#include "deletion/deletion_tables.hpp"

extern "C" {
#include "datatype/timestamp.h"
}

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace softdelete::restore {

// What is not said any deletion has.
struct DeletionTraits {
    std::optional<std::string> actor;
    TimestampTz since; // both ends belong to the time
    std::optional<TimestampTz> until;
    std::optional<Oid> relation; // took rows of it, wherever it began
};

// Those that are not restored yet, the newest first. Of others' deletions only such as softdelete.deletions shows the caller,
// or of whose tables he may update one: nobody learns of others. The lock is one on their rows in the log.
// Errors: those of catalog::get_soft_table(); 22023 where the actor is nobody, and has the name of a registered table.
std::vector<std::int64_t> find_deletions(pg::Spi &spi, const DeletionTraits &traits,
                                         deletion::DeletionLock lock);

// The ids for $n::pg_catalog.int8[], and as SQL for ANY.
pg::Parameter make_ids(const std::vector<std::int64_t> &deletions);
std::string list_ids(const std::vector<std::int64_t> &deletions);

} // namespace softdelete::restore
