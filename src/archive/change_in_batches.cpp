// Transactions and passes. What one transaction does stands in archive/between, archive/move_batch and archive/change_strategy. Called by
// api/registration.
#include "archive/change_in_batches.hpp"

#include "archive/between.hpp"
#include "archive/change_strategy.hpp"
#include "archive/move_batch.hpp"
#include "archive/register_archive.hpp"
#include "catalog/table_info.hpp"
#include "pg/called_settings.hpp"
#include "pg/scopes.hpp"
#include "pg/transactions.hpp"
#include "registration/lock_table.hpp"
#include "sqltext/format.hpp"

#include <functional>

namespace softdelete::archive {

namespace {

using Clock = std::chrono::steady_clock;

// Less than deadlock_timeout as it mostly is: whoever waits for us and has what we wait for goes on, and we try again.
constexpr const char *lock_wait = "500ms";
constexpr long pause_ms = 200;

class Change {
public:
    Change(pg::Spi &spi, const ChangeRequest &request) : spi_(spi), request_(request) {}

    void run() {
        if (!run_transaction([&] { begin(); })) {
            return tell_stopped();
        }
        if (!is_begun_) {
            return; // the table has the strategy
        }
        while (true) {
            const std::optional<std::uint64_t> moved = run_pass();
            if (!moved) {
                return tell_stopped();
            }
            if (*moved > request_.batch_size) {
                continue; // as many may have come meanwhile
            }
            bool has_ended = false;
            if (!run_transaction([&] { has_ended = end(); })) {
                return tell_stopped();
            }
            if (has_ended) {
                pg::notice(sqltext::format("table %1% has the strategy %2%; %3% deleted rows were moved",
                                           title_, request_.strategy, moved_));
                return;
            }
            if (*moved == 0) { // others have locked what is left
                pg::sleep_ms(pause_ms);
            }
        }
    }

private:
    bool to_archive() const { return request_.strategy == "archive"; }

    bool is_over() const { return request_.max_runtime && Clock::now() - started_ >= *request_.max_runtime; }

    // Again and again, while others have locks; false where the time is over. Within a savepoint, as those of purge/purge_rows.
    bool run_transaction(const std::function<void()> &work) {
        while (true) {
            std::optional<pg::ServerError> failure;
            {
                std::optional<pg::Subtransaction> savepoint;
                try {
                    savepoint.emplace();
                    {
                        pg::SettingScope settings; // ends within the savepoint, as it began
                        settings.set("lock_timeout", lock_wait);
                        settings.set("IntervalStyle", "postgres"); // as the functions have it, for comments
                        work();
                    }
                    savepoint->commit();
                } catch (pg::ServerError &error) {
                    if (error.sqlstate() != ERRCODE_LOCK_NOT_AVAILABLE
                        && error.sqlstate() != ERRCODE_T_R_DEADLOCK_DETECTED) {
                        throw;
                    }
                    failure.emplace(std::move(error));
                }
            }
            if (!failure) {
                pg::commit_and_begin();
                pg::pin_search_path();
                return true;
            }
            pg::roll_back_and_begin();
            pg::pin_search_path();
            if (is_over()) {
                return false;
            }
            pg::sleep_ms(pause_ms);
        }
    }

    void begin() {
        is_begun_ = true;
        title_ = catalog::get_table(spi_, request_.relation).title;
        const bool has_one = has_archive(spi_, request_.relation, pg::Lock::access_share);
        if (is_between(spi_, request_.relation)) { // of an earlier call; whose table it is each batch asks
            (void)set_visibility(spi_, request_.relation, request_.visibility);
            return;
        }
        if (has_one == to_archive()) { // asks whose table it is, and whether it is one
            (void)change_strategy(make_request());
            is_begun_ = false;
            return;
        }
        if (to_archive()) {
            begin_to_archive(spi_, request_.relation);
        } else {
            tell_warnings(begin_to_flag(spi_, request_.relation, request_.visibility.value_or("filter")));
        }
    }

    registration::ConfigureRequest make_request() const {
        return {.relation = request_.relation,
                .retention = {},
                .keep_forever = {},
                .visibility = request_.visibility,
                .indexes = {},
                .admin_roles = {},
                .on_expiry = {},
                .strategy = request_.strategy};
    }

    // A procedure returns no steps.
    void tell_warnings(const std::vector<model::Step> &steps) const {
        for (const model::Step &step : steps) {
            if (step.action == model::Action::warning) {
                pg::warn(sqltext::format("table %1%, %2%: %3%", title_, step.object, step.remark),
                         step.commands.empty()
                             ? step.advice
                             : sqltext::format("%1%: %2%;", step.advice, sqltext::join(step.commands, "; ")));
            }
        }
    }

    // How many rows it has moved; nothing where the time is over.
    std::optional<std::uint64_t> run_pass() {
        std::uint64_t moved = 0;
        Batch batch = {0, 0, to_archive() ? "-infinity" : ""};
        do {
            const std::string from = batch.last;
            if (is_over() || !run_transaction([&] {
                    batch = to_archive()
                                ? move_batch_to_archive(spi_, request_.relation, request_.batch_size, from)
                                : move_batch_to_table(spi_, request_.relation, request_.batch_size, from);
                })) {
                return std::nullopt;
            }
            moved += batch.moved;
            moved_ += batch.moved;
            if (batch.moved == 0 && batch.last == from) {
                break; // what is left of this moment others have locked, or it has to stay
            }
            wait();
        } while (batch.found == request_.batch_size);
        return moved;
    }

    bool end() {
        if (!to_archive()) {
            return end_as_flag(spi_, request_.relation);
        }
        tell_warnings(change_strategy(make_request()));
        return true;
    }

    void wait() const {
        const auto end = Clock::now() + request_.delay;
        while (Clock::now() < end && !is_over()) {
            const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
            pg::sleep_ms(static_cast<long>(rest.count()) + 1);
        }
    }

    void tell_stopped() const {
        pg::notice(
            sqltext::format("the time is over; %1% deleted rows of table %2% were moved", moved_, title_),
            "The table stays between the strategies until the call is made again.");
    }

    pg::Spi &spi_;
    const ChangeRequest &request_;
    const Clock::time_point started_ = Clock::now();
    bool is_begun_ = false;
    std::string title_;
    std::uint64_t moved_ = 0;
};

} // namespace

void change_in_batches(const ChangeRequest &request) {
    check_strategy(request.strategy, request.visibility);
    pg::CalledSettings called;
    called.keep("IntervalStyle");
    pg::Spi spi(pg::SpiMode::non_atomic);
    pg::commit_and_begin();
    pg::pin_search_path();
    Change(spi, request).run();
}

} // namespace softdelete::archive
