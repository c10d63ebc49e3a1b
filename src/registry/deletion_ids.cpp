// The range is where the sequence stands: it is dumped, restored and copied with the database, and a copy that becomes a
// database of its own (a promoted standby, pg_createsubscriber, a dump that is restored elsewhere) moves on to another range
// when it subscribes.
#include "registry/deletion_ids.hpp"

#include "pg/scopes.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
}

namespace softdelete::registry {

namespace {

// Each range has a trillion ids, and there are a million of them besides the first. All are below 2^60.
constexpr int range_bits = 40;
constexpr std::uint64_t ranges = 1U << 20;

// A number that two databases have in common once in a million, a database and a copy of it too: what they are called
// by the server would be the same.
std::int64_t choose_range() {
    return pg::call([] {
        std::uint64_t random = 0;
        if (!pg_strong_random(&random, sizeof(random))) {
            ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate a random number")));
        }
        return static_cast<std::int64_t>(random % (ranges - 1)) + 1;
    });
}

// Whoever has an id holds a lock on the sequence until his transaction ends: afterwards the log shows all that were given.
class SequenceLock {
public:
    SequenceLock()
        : sequence_(pg::call([] {
            Oid relation =
                get_relname_relid("deletion_id_seq", get_namespace_oid("softdelete_internal", false));
            LockRelationOid(relation, ShareRowExclusiveLock);
            return relation;
        })) {}

    // After an error the transaction's abort lets go.
    void release() const {
        pg::call([&] { UnlockRelationOid(sequence_, ShareRowExclusiveLock); });
    }

private:
    Oid sequence_;
};

} // namespace

void separate_deletion_ids(pg::Spi &spi, IdRange range) {
    std::int64_t chosen = choose_range();
    SequenceLock lock;
    {
        pg::UserScope owner(pg::get_extension_owner());
        spi.query_kept("SELECT pg_catalog.setval('softdelete_internal.deletion_id_seq', $1::pg_catalog.int8)"
                       " FROM softdelete_internal.deletion_id_seq"
                       " WHERE $2::pg_catalog.bool OR last_value >> $3::pg_catalog.int4 = 0",
                       {chosen << range_bits, range == IdRange::another, std::to_string(range_bits)});
    }
    lock.release();
}

void separate_subscribers_ids(pg::Spi &spi) {
    if (!spi.query_kept(
                "SELECT FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid"
                " WHERE d.datname = pg_catalog.current_database() LIMIT 1")
             .empty()) {
        separate_deletion_ids(spi, IdRange::own);
    }
}

void reserve_deletion_ids(pg::Spi &spi, const std::vector<std::string> &ids) {
    SequenceLock lock;
    {
        pg::UserScope owner(pg::get_extension_owner());
        spi.query_kept(
            "SELECT pg_catalog.setval('softdelete_internal.deletion_id_seq', pg_catalog.max(f.id))"
            " FROM pg_catalog.unnest($1::pg_catalog.int8[]) f (id), softdelete_internal.deletion_id_seq s"
            " WHERE f.id >> $2::pg_catalog.int4 = s.last_value >> $2::pg_catalog.int4 AND f.id >= "
            "s.last_value",
            {pg::make_array(ids), std::to_string(range_bits)});
    }
    lock.release();
}

std::string make_deletion_of(const std::string &column) {
    return sqltext::format("pg_catalog.abs(NULLIF(%1%, '-9223372036854775808'))", column);
}

std::string make_other_range(const std::string &id) {
    return sqltext::format(
        "%1% >> %2% <> (SELECT s.last_value >> %2% FROM softdelete_internal.deletion_id_seq s)", id,
        range_bits);
}

std::string make_given_after(const std::string &id, const std::string &other) {
    return sqltext::format("(%1% > %2% AND %1% >> %3% = %2% >> %3%)", id, other, range_bits);
}

std::vector<Oid> find_touched_tables(pg::Spi &spi, const std::string &deletion) {
    pg::UserScope owner(pg::get_extension_owner());
    std::vector<Oid> relations;
    for (const pg::Row &row : spi.query_kept(
             "SELECT c.oid FROM (SELECT d.relation FROM softdelete_internal.deletion d WHERE d.id = "
             "$1::pg_catalog.int8"
             " UNION SELECT pg_catalog.unnest(d.further_relations) FROM softdelete_internal.deletion d"
             " WHERE d.id = $1::pg_catalog.int8"
             " UNION SELECT t.relation FROM softdelete_internal.deletion_table t WHERE t.deletion_id = "
             "$1::pg_catalog.int8)"
             " AS touched JOIN pg_catalog.pg_class c ON c.oid = touched.relation ORDER BY c.oid",
             {deletion})) {
        relations.push_back(row.oid(0));
    }
    return relations;
}

} // namespace softdelete::registry
