// purge(): the run over tables and batches, its transactions, its log.
#pragma once

#include "pg/spi.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace softdelete::purge {

struct PurgeRequest {
    using Time = std::chrono::steady_clock::time_point;

    std::optional<Oid> relation;
    std::size_t batch_size; // rows
    std::optional<std::chrono::microseconds> max_runtime;
    std::chrono::microseconds delay; // between batches
    bool may_commit;                 // false: everything in the transaction under way

    // By the time that the run may last, or by the worker's hours.
    bool is_over(Time started) const;
    // As the worker's settings are by now, or as the call said.
    std::chrono::microseconds get_delay() const;
    // Between two batches, where each is a transaction: for the delay, or until the run is over.
    void rest(Time started) const;
    // Is a line left out that says that nothing was due? One of the worker's, which looks often, after another such line.
    bool leaves_out_nothing(pg::Spi &spi, Oid relation) const;
    // The run's line is complete. One of the worker's takes the place of the one before it that says the same.
    void finish_run(pg::Spi &spi, std::int64_t run, bool is_complete) const;
};

// Removes what is due. One run per table at a time: a named table that another session purges is an error (55P03), of
// all tables it is passed over with a notice. An error in one table is logged and the others follow; cancellation and
// shutdown end the run. Errors: as plan_purge().
void purge_rows(const PurgeRequest &request);

} // namespace softdelete::purge
