// A run and a preview wait here for whoever registers, unregisters, configures or alters a table, and not at the first
// statement that they have made by what the table was before. Called by purge/purge_rows and purge/preview_purge. A run of all
// tables waits for each at its turn.
#include "purge/lock_purged.hpp"

#include "catalog/linked_tables.hpp"
#include "pg/compat.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"

extern "C" {
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
}

namespace softdelete::purge {

namespace {

constexpr const char *ours_query = R"(
    SELECT c.oid
    FROM pg_catalog.pg_class c
    WHERE pg_catalog.pg_has_role($1::pg_catalog.oid, c.relowner, 'USAGE')
      AND c.oid IN (SELECT r.relation FROM softdelete_internal.registration r
                    UNION ALL SELECT a.relation FROM softdelete_internal.archive a)
    ORDER BY c.oid)";

std::vector<pg::Row> find_owned(pg::Spi &spi) {
    Oid role = GetUserId();
    pg::UserScope owner(pg::get_extension_owner());
    return spi.query(ours_query, {role});
}

// Who is no owner, and what is no table, is refused by the plan.
void lock_owned(pg::Spi &spi, Oid relation) {
    bool is_meant = pg::call([&] {
        char kind = get_rel_relkind(relation);
        return (kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE)
               && pg::compat::owns_relation(relation, GetUserId());
    });
    if (is_meant && pg::lock_if_there(relation, pg::Lock::access_share)) {
        catalog::lock_linked_tables(spi, relation);
    }
}

} // namespace

void lock_purged(pg::Spi &spi, std::optional<Oid> relation) {
    if (relation) {
        lock_owned(spi, *relation);
        return;
    }
    for (const pg::Row &row : find_owned(spi)) {
        (void)pg::lock_if_there(row.oid(0), pg::Lock::access_share);
    }
}

} // namespace softdelete::purge
