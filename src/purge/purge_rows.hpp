// purge(): the run over tables and batches, its transactions, its log.
#pragma once

#include "pg/server.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace softdelete::purge {

struct PurgeRequest {
    std::optional<Oid> relation;
    std::size_t batch_size; // rows
    std::optional<std::chrono::microseconds> max_runtime;
    std::chrono::microseconds delay; // between batches
    bool may_commit;                 // false: everything in the transaction under way
};

// Removes what is due. One run per table at a time: a named table that another session purges is an error (55P03), of
// all tables it is passed over with a notice. An error in one table is logged and the others follow; cancellation and
// shutdown end the run. Errors: as plan_purge().
void purge_rows(const PurgeRequest &request);

} // namespace softdelete::purge
