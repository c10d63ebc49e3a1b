// Each attempt is a savepoint, which gives back what it has where a further lock is not to be had soon; that one is waited for alone
// then, and given back as well: who has it may wait for any of the others. Called by archive/change_strategy. The batches of
// archive/change_in_batches have transactions and attempts of their own.
#include "archive/lock_for_change.hpp"

#include "archive/between.hpp"
#include "catalog/linked_tables.hpp"
#include "catalog/table_catalog.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "pg/transactions.hpp"
#include "registry/place_lock.hpp"

namespace softdelete::archive {

namespace {

// Less than deadlock_timeout as it mostly is.
constexpr const char *linked_wait = "500ms";

// The parts of the table, and of an archive that it has; and what references them, partitions as well, whose triggers come and go.
constexpr const char *changed_query = R"(
    WITH RECURSIVE part (relation, level) AS (
        SELECT $1::pg_catalog.oid, 0
        UNION ALL
        SELECT a.archive::pg_catalog.oid, 0 FROM softdelete_internal.archive a
        WHERE a.relation = $1::pg_catalog.oid AND a.archive IS NOT NULL
        UNION ALL
        SELECT h.inhrelid, p.level + 1 FROM part p JOIN pg_catalog.pg_inherits h ON h.inhparent = p.relation)
    SELECT p.relation, p.level, true FROM part p
    UNION
    SELECT k.conrelid, CASE WHEN c.relispartition THEN 1 ELSE 0 END, false
    FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
    WHERE k.contype = 'f' AND k.confrelid IN (SELECT p.relation FROM part p)
      AND k.conrelid NOT IN (SELECT p.relation FROM part p)
    ORDER BY 3 DESC, 2, 1)";

// InvalidOid: the place of rows.
struct Wanted {
    Oid relation;
    pg::Lock lock;
};

std::vector<Wanted> find_changed(pg::Spi &spi, Oid relation, bool to_archive) {
    // The way back from between the strategies leaves triggers as they are.
    const bool changes_links = to_archive || !is_between(spi, relation);
    const pg::Lock of_links = to_archive ? pg::Lock::access_exclusive : pg::Lock::share_row_exclusive;
    std::vector<Wanted> changed;
    pg::UserScope owner(pg::get_extension_owner());
    for (const pg::Row &row : spi.query(changed_query, {relation})) {
        if (row.boolean(2) || changes_links) {
            changed.push_back({row.oid(0), row.boolean(2) ? pg::Lock::access_exclusive : of_links});
        }
    }
    return changed;
}

void lock_rest(pg::Spi &spi, Oid relation, bool to_archive, Wanted *wanted) {
    for (const Wanted &changed : find_changed(spi, relation, to_archive)) {
        *wanted = changed;
        (void)pg::lock_if_there(wanted->relation, wanted->lock);
    }
    wanted->lock = pg::Lock::access_share;
    catalog::lock_linked_tables(spi, relation, &wanted->relation);
    wanted->relation = InvalidOid;
    pg::call([] { registry::move_rows_alone(); });
}

// Otherwise wanted says what is not to be had soon.
bool lock_soon(pg::Spi &spi, Oid relation, bool to_archive, Wanted *wanted) {
    bool has_table = false;
    try {
        pg::Subtransaction attempt;
        (void)pg::lock_if_there(relation, pg::Lock::access_exclusive);
        has_table = true;
        {
            pg::SettingScope settings; // ends within the savepoint, as it began
            settings.set("lock_timeout", linked_wait);
            lock_rest(spi, relation, to_archive, wanted);
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

void wait_for(const Wanted &wanted) {
    pg::Subtransaction wait;
    if (OidIsValid(wanted.relation)) {
        (void)pg::lock_if_there(wanted.relation, wanted.lock);
    } else {
        pg::call([] { registry::move_rows_alone(); });
    }
}

} // namespace

void lock_for_change(pg::Spi &spi, Oid relation, bool to_archive) {
    const char kind = catalog::get_table_definition(spi, relation).kind;
    if ((kind != 'r' && kind != 'p') || !pg::owns_relation(relation)) {
        return;
    }
    Wanted wanted = {};
    while (!lock_soon(spi, relation, to_archive, &wanted)) {
        wait_for(wanted);
    }
}

} // namespace softdelete::archive
