// Called by commands that look at many tables before they change one, as preview(), restore() and purge_preview(): they wait here
// for whoever registers, configures or alters one of the tables, and not in the middle of statements made by what it was before.
#include "catalog/linked_tables.hpp"

#include "catalog/definitions.hpp"
#include "pg/definition_changes.hpp"
#include "pg/relations.hpp"

namespace softdelete::catalog {

namespace {

// The server clones keys for partitions. It has no index on what keys reference: all keys are read once.
constexpr const char *linked_query = R"(
    WITH RECURSIVE link (above, below, is_cascade) AS MATERIALIZED (
        SELECT k.confrelid, k.conrelid, k.confdeltype = 'c' FROM pg_catalog.pg_constraint k
        WHERE k.contype = 'f' AND k.conparentid = 0
    ), step (above, below) AS MATERIALIZED (
        SELECT l.above, l.below FROM link l WHERE l.is_cascade
        UNION ALL
        SELECT h.inhparent, h.inhrelid FROM pg_catalog.pg_inherits h JOIN pg_catalog.pg_class c ON c.oid = h.inhrelid
        WHERE NOT c.relispartition
    ), below (relation) AS (
        SELECT $1::pg_catalog.oid
        UNION
        SELECT s.below FROM below b JOIN step s ON s.above = b.relation
    )
    SELECT b.relation FROM below b
    UNION
    SELECT l.below FROM below b JOIN link l ON l.above = b.relation
    UNION
    SELECT l.above FROM below b JOIN link l ON l.below = b.relation
    ORDER BY 1)";

// What comes to it while it waits comes to it once more; then all are locked but for tables that are new.
constexpr int attempts = 3;

} // namespace

void lock_linked_tables(pg::Spi &spi, Oid relation) {
    for (int i = 0; i < attempts && pg::may_change(relation); i++) {
        const std::uint64_t before = pg::call([] { return pg::count_definition_changes(); });
        for (const pg::Row &row : read_definitions(spi, linked_query, {relation})) {
            (void)pg::lock_if_there(row.oid(0), pg::Lock::access_share);
        }
        if (pg::call([] { return pg::count_definition_changes(); }) == before) {
            return;
        }
    }
}

} // namespace softdelete::catalog
