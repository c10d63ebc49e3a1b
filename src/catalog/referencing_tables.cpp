// Partitions and inheritance children are registered by their roots, so that these stand for them. Asked by registration, by the warnings of
// tables that do not come along, and by holds. How foreign keys look is left to catalog/foreign_keys.
#include "catalog/referencing_tables.hpp"

#include "catalog/referencing_constraints.hpp"

namespace softdelete::catalog {

namespace {

// The roots stand for their partitions and inheritance children, but for those that have several.
std::vector<Oid> find_children(pg::Spi &spi, Oid relation, bool by_cascade) {
    std::vector<Oid> children;
    for (const pg::Row &row : spi.query_kept(
             "WITH RECURSIVE line (child, relation) AS ("
             "SELECT k.conrelid, k.conrelid FROM pg_constraint k WHERE k.contype = 'f' AND (k.confdeltype = "
             "'c' OR NOT "
             "$2::bool)"
             " AND k.conparentid = 0 AND k.oid = ANY ($3) AND k.confrelid IN ("
             "  WITH RECURSIVE tree (relation) AS (SELECT $1::oid"
             "   UNION SELECT h.inhrelid FROM tree t JOIN pg_inherits h ON h.inhparent = t.relation)"
             "  SELECT relation FROM tree)"
             " UNION SELECT l.child, h.inhparent FROM line l JOIN pg_inherits h ON h.inhrelid = l.relation),"
             " root AS (SELECT l.child, l.relation, count(*) OVER (PARTITION BY l.child) AS roots FROM line l"
             "  WHERE NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = l.relation))"
             " SELECT DISTINCT CASE WHEN r.roots = 1 THEN r.relation ELSE r.child END FROM root r ORDER BY 1",
             {relation, by_cascade ? "true" : "false", find_referencing_constraints(spi, {relation})})) {
        if (row.oid(0) != relation) {
            children.push_back(row.oid(0));
        }
    }
    return children;
}

} // namespace

std::vector<Oid> find_cascade_children(pg::Spi &spi, Oid relation) {
    return find_children(spi, relation, true);
}

std::vector<Oid> find_referencing_tables(pg::Spi &spi, Oid relation) {
    return find_children(spi, relation, false);
}

bool shares_inheritance(pg::Spi &spi, Oid relation) {
    return !spi.query_kept(
                   "WITH RECURSIVE tree (relation) AS (SELECT $1::oid"
                   " UNION SELECT h.inhrelid FROM tree t JOIN pg_inherits h ON h.inhparent = t.relation)"
                   " SELECT FROM pg_inherits h JOIN tree t ON t.relation = h.inhrelid"
                   " WHERE h.inhparent NOT IN (SELECT o.relation FROM tree o)",
                   {relation})
                .empty();
}

std::vector<Oid> find_roots(pg::Spi &spi, Oid relation) {
    std::vector<Oid> roots;
    for (const pg::Row &row : spi.query_kept(
             "WITH RECURSIVE line (relation) AS (SELECT $1::oid"
             " UNION SELECT h.inhparent FROM line l JOIN pg_inherits h ON h.inhrelid = l.relation)"
             " SELECT l.relation FROM line l WHERE NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = "
             "l.relation) ORDER BY 1",
             {relation})) {
        roots.push_back(row.oid(0));
    }
    return roots;
}

} // namespace softdelete::catalog
