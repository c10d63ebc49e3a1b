// Each attempt is a savepoint, which gives back what it has where the other lock is not to be had soon. Called by
// archive/change_strategy. The batches of archive/change_in_batches have transactions and attempts of their own.
#include "archive/lock_for_change.hpp"

#include "archive/register_archive.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "pg/transactions.hpp"
#include "registry/place_lock.hpp"

namespace softdelete::archive {

namespace {

// Less than deadlock_timeout as it mostly is.
constexpr const char *place_wait = "500ms";

bool lock_soon(pg::Spi &spi, Oid relation) {
    bool has_table = false;
    try {
        pg::Subtransaction attempt;
        (void)has_archive(spi, relation, pg::Lock::access_exclusive);
        has_table = true;
        {
            pg::SettingScope settings; // ends within the savepoint, as it began
            settings.set("lock_timeout", place_wait);
            pg::call([] { registry::move_rows_alone(); });
        }
        attempt.commit();
        return true;
    } catch (const pg::ServerError &error) {
        if (!has_table || error.sqlstate() != ERRCODE_LOCK_NOT_AVAILABLE) {
            throw;
        }
    }
    return false;
}

} // namespace

void lock_for_change(pg::Spi &spi, Oid relation) {
    if (!pg::owns_relation(relation)) {
        return;
    }
    while (!lock_soon(spi, relation)) {
        pg::Subtransaction wait; // for those who keep rows in place, and not for the table meanwhile
        pg::call([] { registry::move_rows_alone(); });
    }
}

} // namespace softdelete::archive
