// Drops what the planner's statistics hold of values that are gone, and has the table analyzed. ANALYZE alone would
// leave the old statistics of a table that is empty now, and of columns that it skips. Called by erase() and
// anonymize().
#include "erasure/reset_statistics.hpp"

#include "pg/interruptions.hpp"
#include "pg/scopes.hpp"
#include "pg/statistics.hpp"
#include "pg/transactions.hpp"
#include "session/utility_commands.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "storage/lmgr.h"
}

#include <string>

namespace softdelete::erasure {

namespace {

// Besides: what the rows were in at another time, which ANALYZE may have looked at then: a table, its archive and its history
// have the same values. $1: the relations.
constexpr const char *beside_query = R"(
    WITH RECURSIVE line (relation) AS (
        SELECT pg_catalog.unnest($1::pg_catalog.oid[])
        UNION SELECT h.inhparent FROM pg_catalog.pg_inherits h JOIN line l ON h.inhrelid = l.relation),
    pair (one, other) AS (
        SELECT a.relation::pg_catalog.oid, a.archive::pg_catalog.oid FROM softdelete_internal.archive a
        UNION ALL SELECT t.relation::pg_catalog.oid, t.history::pg_catalog.oid FROM softdelete_internal.tracked_table t),
    beside (relation) AS (
        SELECT p.other FROM pair p JOIN line l ON l.relation = p.one
        UNION SELECT p.one FROM pair p JOIN line l ON l.relation = p.other
        UNION SELECT q.other FROM pair p JOIN line l ON l.relation = p.other JOIN pair q ON q.one = p.one)
    SELECT b.relation FROM beside b UNION SELECT t.relid FROM beside b, pg_catalog.pg_partition_tree(b.relation) t
    ORDER BY 1)";

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

// Functions of the owner's, in expressions of indexes and statistics, find what the caller's own ANALYZE lets them find. One
// that fails leaves the table without statistics, which the erasure need not wait for. What it says may hold values.
void analyze(pg::Spi &spi, Oid owner, const std::string &table) {
    try {
        pg::Subtransaction attempt;
        {
            session::OwnDdlScope own_ddl;
            pg::UserScope user(owner);
            spi.execute("ANALYZE " + table);
        }
        attempt.commit();
    } catch (const pg::ServerError &error) {
        if (pg::is_interruption(error)) {
            throw;
        }
        std::string sqlstate = pg::call([&] { return unpack_sql_state(error.sqlstate()); });
        pg::warn(sqltext::format("could not analyze table %1%: SQLSTATE %2%", table, sqlstate),
                 "The planner has no statistics of it until the next ANALYZE.");
    }
}

} // namespace

void reset_statistics(pg::Spi &spi, const std::set<Oid> &relations) {
    std::vector<std::string> oids;
    for (Oid relation : relations) {
        oids.push_back(std::to_string(relation));
    }
    std::vector<pg::Row> beside;
    {
        pg::UserScope owner(pg::get_extension_owner());
        beside = spi.query(beside_query, {pg::make_array(oids)});
    }
    for (const pg::Row &row : beside) {
        pg::call([oid = row.oid(0)] { LockRelationOid(oid, AccessShareLock); });
        if (pg::has_statistics(row.oid(0))) { // else nobody need look at it
            oids.push_back(row.text(0));
        }
    }
    for (const pg::Row &row : spi.query(concerned_query, {pg::make_array(oids)})) {
        pg::remove_statistics(row.oid(0));
    }
    for (const pg::Row &row : spi.query(analyzed_query, {pg::make_array(oids)})) {
        analyze(spi, row.oid(0), row.text(1));
    }
}

} // namespace softdelete::erasure
