// Drops what the planner's statistics hold of values that are gone, and has the table analyzed. ANALYZE alone would
// leave the old statistics of a table that is empty now, and of columns that it skips. Called by erase() and
// anonymize().
#include "erasure/reset_statistics.hpp"

#include "pg/scopes.hpp"
#include "pg/statistics.hpp"

#include <string>

namespace softdelete::erasure {

namespace {

// The relation and what it is a part of, with the indexes.
constexpr const char *concerned_query = R"(
    WITH RECURSIVE line (relation) AS (
        SELECT pg_catalog.unnest($1::pg_catalog.oid[]) UNION SELECT h.inhparent FROM pg_catalog.pg_inherits h JOIN line l ON h.inhrelid = l.relation)
    SELECT relation FROM line UNION SELECT i.indexrelid FROM line l JOIN pg_catalog.pg_index i ON i.indrelid = l.relation
    ORDER BY 1)";

// ANALYZE of a table goes on to its partitions and makes its inherited statistics.
constexpr const char *analyzed_query = R"(
    WITH RECURSIVE line (relation) AS (
        SELECT pg_catalog.unnest($1::pg_catalog.oid[]) UNION SELECT h.inhparent FROM pg_catalog.pg_inherits h JOIN line l ON h.inhrelid = l.relation)
    SELECT c.relowner, pg_catalog.format('%I.%I', n.nspname, c.relname)
    FROM line l JOIN pg_catalog.pg_class c ON c.oid = l.relation JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT c.relispartition
    ORDER BY c.oid)";

} // namespace

void reset_statistics(pg::Spi &spi, const std::set<Oid> &relations) {
    std::vector<std::string> oids;
    for (Oid relation : relations) {
        oids.push_back(std::to_string(relation));
    }
    for (const pg::Row &row : spi.query(concerned_query, {pg::make_array(oids)})) {
        pg::remove_statistics(row.oid(0));
    }
    for (const pg::Row &row : spi.query(analyzed_query, {pg::make_array(oids)})) {
        pg::UserScope owner(row.oid(0));
        spi.execute("ANALYZE " + row.text(1));
    }
}

} // namespace softdelete::erasure
