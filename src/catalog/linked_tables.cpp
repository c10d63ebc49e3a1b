// Called by commands that look at many tables before they change one, as preview(), restore() and purge_preview(): they wait here
// for whoever registers, configures or alters one of the tables, and not in the middle of statements made by what it was before.
#include "catalog/linked_tables.hpp"

#include "catalog/definitions.hpp"
#include "pg/definition_changes.hpp"
#include "pg/relations.hpp"

namespace softdelete::catalog {

namespace {

// Keys of a partitioned table the server clones for its partitions; one may have keys of its own, too, or be referenced alone. It has no
// index on what keys reference: all keys are read once. Partitions without such keys are locked with their root.
constexpr const char *linked_query = R"(
    WITH RECURSIVE link (above, below, is_cascade) AS MATERIALIZED (
        SELECT k.confrelid, k.conrelid, k.confdeltype = 'c' FROM pg_catalog.pg_constraint k
        WHERE k.contype = 'f' AND k.conparentid = 0
    ), heir (parent, child, is_partition) AS MATERIALIZED (
        SELECT h.inhparent, h.inhrelid, c.relispartition
        FROM pg_catalog.pg_inherits h JOIN pg_catalog.pg_class c ON c.oid = h.inhrelid
    ), step (above, below) AS MATERIALIZED (
        SELECT l.above, l.below FROM link l WHERE l.is_cascade
        UNION ALL SELECT i.parent, i.child FROM heir i
        UNION ALL SELECT i.child, i.parent FROM heir i WHERE i.is_partition
    ), below (relation) AS (
        SELECT $1::pg_catalog.oid
        UNION
        SELECT s.below FROM below b JOIN step s ON s.above = b.relation
    ), linked (relation) AS (
        SELECT l.below FROM below b JOIN link l ON l.above = b.relation
        UNION
        SELECT l.above FROM below b JOIN link l ON l.below = b.relation
        UNION
        SELECT i.parent FROM linked k JOIN heir i ON i.child = k.relation AND i.is_partition
    )
    SELECT b.relation FROM below b WHERE NOT EXISTS (SELECT FROM heir i WHERE i.child = b.relation AND i.is_partition)
    UNION
    SELECT k.relation FROM linked k
    ORDER BY 1)";

// What comes to it while it waits comes to it once more; then all are locked but for tables that are new.
constexpr int attempts = 3;

} // namespace

void lock_linked_tables(pg::Spi &spi, Oid relation, Oid *under_way) {
    for (int i = 0; i < attempts && pg::may_change(relation); i++) {
        const std::uint64_t before = pg::call([] { return pg::count_definition_changes(); });
        for (const pg::Row &row : read_definitions(spi, linked_query, {relation})) {
            if (under_way != nullptr) {
                *under_way = row.oid(0);
            }
            (void)pg::lock_if_there(row.oid(0), pg::Lock::access_share);
        }
        if (pg::call([] { return pg::count_definition_changes(); }) == before) {
            return;
        }
    }
}

} // namespace softdelete::catalog
