// Called by anonymize(), which overwrites rows that reference the subject along any keys, to any depth. Tables that no key
// leads from stay out of it, whoever owns them: their holds, their rows and their DDL have nothing to do with the subject.
#include "erasure/lock_subject_holds.hpp"

#include "holds/hold_tables.hpp"
#include "pg/relations.hpp"
#include "registry/anonymizers.hpp"

namespace softdelete::erasure {

namespace {

// A table may have its rules from one that it inherits from, and a key may lead to one that inherits: both ways.
constexpr const char *ruled_query = R"(
    WITH RECURSIVE step (above, below) AS MATERIALIZED (
        SELECT coalesce(pg_catalog.pg_partition_root(k.confrelid)::pg_catalog.oid, k.confrelid),
               coalesce(pg_catalog.pg_partition_root(k.conrelid)::pg_catalog.oid, k.conrelid)
        FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.conparentid = 0
        UNION ALL
        SELECT CASE WHEN d.is_down THEN h.inhparent ELSE h.inhrelid END,
               CASE WHEN d.is_down THEN h.inhrelid ELSE h.inhparent END
        FROM pg_catalog.pg_inherits h JOIN pg_catalog.pg_class c ON c.oid = h.inhrelid,
             (VALUES (true), (false)) AS d (is_down)
        WHERE NOT c.relispartition
    ), found (relation) AS (
        SELECT coalesce(pg_catalog.pg_partition_root($1::pg_catalog.oid::pg_catalog.regclass)::pg_catalog.oid, $1::pg_catalog.oid)
        UNION
        SELECT s.below FROM found f JOIN step s ON s.above = f.relation
    )
    SELECT r FROM pg_catalog.unnest($2::pg_catalog.oid[]) AS r
    WHERE coalesce(pg_catalog.pg_partition_root(r)::pg_catalog.oid, r) IN (SELECT f.relation FROM found f))";

std::vector<Oid> find_concerned(pg::Spi &spi, const catalog::TableInfo &subject) {
    std::vector<std::string> ruled;
    for (Oid relation : registry::find_tables_with_rules(spi)) {
        if (pg::owns_relation(relation)) {
            ruled.push_back(std::to_string(relation));
        }
    }
    std::vector<Oid> relations = {subject.relation};
    for (const pg::Row &row : spi.query_kept(ruled_query, {subject.relation, pg::make_array(ruled)})) {
        relations.push_back(row.oid(0));
    }
    return relations;
}

} // namespace

bool lock_subject_holds(pg::Spi &spi, const catalog::TableInfo &subject, std::set<Oid> *locked) {
    std::vector<Oid> relations = find_concerned(spi, subject);
    std::erase_if(relations, [&](Oid relation) { return locked->contains(relation); });
    if (relations.empty()) {
        return false;
    }
    holds::lock_holds_below(spi, relations, registry::HoldAccess::erase);
    locked->insert(relations.begin(), relations.end());
    return true;
}

} // namespace softdelete::erasure
