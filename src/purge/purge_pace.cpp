// Keeps the pace that the worker has set, and asks it where a run asks whether it is over and how long it rests. Called by
// worker/purge_worker and by the runs in purge/.
#include "purge/purge_pace.hpp"

#include "pg/boundary.hpp"
#include "purge/purge_rows.hpp"
#include "registry/purge_log.hpp"

namespace softdelete::purge {

namespace {

const Pace *current_pace = nullptr;

} // namespace

void set_pace(const Pace *pace) noexcept {
    current_pace = pace;
}

const Pace *get_pace() noexcept {
    return current_pace;
}

bool PurgeRequest::is_over(Time started) const {
    if (current_pace != nullptr && pg::call([] { return current_pace->is_over(); })) {
        return true;
    }
    return max_runtime && std::chrono::steady_clock::now() - started >= *max_runtime;
}

std::chrono::microseconds PurgeRequest::get_delay() const {
    return current_pace == nullptr
               ? delay
               : std::chrono::milliseconds(pg::call([] { return current_pace->delay(); }));
}

void PurgeRequest::rest(Time started) const {
    const Time end = std::chrono::steady_clock::now() + get_delay();
    while (may_commit && std::chrono::steady_clock::now() < end && !is_over(started)) {
        auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        pg::sleep_ms(static_cast<long>(left.count()) + 1);
    }
}

bool PurgeRequest::leaves_out_nothing(pg::Spi &spi, Oid relation) const {
    return current_pace != nullptr && registry::was_nothing_due(spi, relation);
}

void PurgeRequest::finish_run(pg::Spi &spi, std::int64_t run, bool is_complete) const {
    registry::finish_purge_run(spi, run, is_complete);
    if (current_pace != nullptr) {
        registry::forget_same_run(spi, run);
    }
}

} // namespace softdelete::purge
