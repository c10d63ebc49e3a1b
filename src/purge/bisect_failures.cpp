// Separates the rows of a batch that cannot be removed, by halves, until the failing rows stand alone. Each half runs
// in a savepoint; the work begins anew only when the error has been left behind. Called by purge/purge_batch.
#include "purge/bisect_failures.hpp"
#include "registry/error_name.hpp"
#include "sqltext/format.hpp"

namespace softdelete::purge {

namespace {

// So many single rows may fail in one run before it counts as failed.
constexpr int most_failures = 100;

} // namespace

bool is_about_rows(const pg::ServerError &error) {
    switch (ERRCODE_TO_CATEGORY(error.sqlstate())) {
    case ERRCODE_OPERATOR_INTERVENTION:
    case ERRCODE_INSUFFICIENT_RESOURCES:
    case ERRCODE_SYSTEM_ERROR:
    case ERRCODE_INTERNAL_ERROR:
    case ERRCODE_INVALID_TRANSACTION_STATE:
        return false;
    default:
        return true;
    }
}

void FailingRows::separate(std::size_t count, const std::function<void(std::size_t, std::size_t)> &attempt,
                           const std::function<void(const std::string &)> &fail) {
    if (count > 0) {
        separate(0, count, attempt, fail);
    }
}

void FailingRows::separate(std::size_t first, std::size_t count,
                           const std::function<void(std::size_t, std::size_t)> &attempt,
                           const std::function<void(const std::string &)> &fail) {
    try {
        attempt(first, count);
        return;
    } catch (pg::ServerError &error) {
        if (!is_about_rows(error)) {
            throw;
        }
        if (count == 1) {
            fail(note(error));
            return;
        }
    }
    separate(first, count / 2, attempt, fail);
    separate(first + count / 2, count - count / 2, attempt, fail);
}

std::string FailingRows::note(pg::ServerError &error) {
    if (++count_ > most_failures) {
        pg::raise(
            {error.sqlstate(), error.message(), error.detail() ? error.detail() : "",
             sqltext::format("More than %1% rows of the table failed like this; the purge of it ends here.",
                             most_failures),
             table_});
    }
    return registry::name_error(spi_, std::move(error));
}

} // namespace softdelete::purge
