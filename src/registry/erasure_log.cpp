// Writes the log of erasures. The entry that is returned as proof is read back from the row that was written. Called by
// erase() and anonymize().
#include "registry/erasure_log.hpp"

#include "pg/scopes.hpp"

extern "C" {
#include "utils/acl.h"
}

#include <set>

namespace softdelete::registry {

namespace {

constexpr const char *insert_statement = R"(
    INSERT INTO softdelete_internal.erasure (action, relation, table_name, role, reason, rows, not_reached, key, digest)
    VALUES ($1, $2::pg_catalog.oid, $3, $4, $5, $6::pg_catalog.jsonb,
            $9::pg_catalog.text[] OPERATOR(pg_catalog.||) ARRAY['dead row versions and index entries, until VACUUM',
                'write-ahead log and its archive', 'backups and exports', 'logs of the server and of applications'],
            CASE WHEN $8::pg_catalog.bool THEN $7::pg_catalog.text[] END,
            pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
                CASE pg_catalog.cardinality($7::pg_catalog.text[]) WHEN 1 THEN ($7::pg_catalog.text[])[1]
                     ELSE ($7::pg_catalog.text[])::pg_catalog.text END, 'UTF8')), 'hex'))
    RETURNING pg_catalog.jsonb_build_object(
        'id', id, 'action', action, 'table', table_name, 'erased_at', erased_at, 'erased_by', erased_by, 'role', role,
        'reason', reason, 'rows', rows, 'key', key, 'digest', digest,
        'not_reached', not_reached))";

bool is_identifier_key(pg::Spi &spi, const catalog::TableInfo &table) {
    static const std::set<std::string> types = {"smallint", "integer", "bigint", "uuid"};
    for (const catalog::KeyColumn &column : catalog::find_primary_key(spi, table.relation)) {
        if (!types.contains(column.type)) {
            return false;
        }
    }
    return true;
}

} // namespace

std::string add_counts(pg::Spi &spi, const std::string &counts, const HistoryCounts &entries) {
    std::string all = counts;
    for (const auto &[history, count] : entries) {
        all =
            spi.query("SELECT $1::pg_catalog.jsonb OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_object($2, "
                      "$3::pg_catalog.int8)",
                      {all, history, static_cast<std::int64_t>(count)})
                .front()
                .text(0);
    }
    return all;
}

std::string insert_erasure(pg::Spi &spi, const catalog::TableInfo &table, const Erasure &erasure) {
    std::string role =
        pg::call([] { return static_cast<const char *>(GetUserNameFromId(GetOuterUserId(), false)); });
    bool keeps_key = is_identifier_key(spi, table);
    pg::UserScope owner(pg::get_extension_owner());
    return spi
        .query(insert_statement,
               {erasure.action, table.relation, table.name, role, erasure.reason, erasure.rows,
                pg::make_array(erasure.key), keeps_key, pg::make_array(erasure.not_reached)})
        .front()
        .text(0);
}

void clear_deletions(pg::Spi &spi, const std::vector<std::string> &deletions) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("UPDATE softdelete_internal.deletion SET deleted_by = NULL, reason = NULL, restored_by = NULL"
                " WHERE id = ANY ($1::pg_catalog.int8[])",
                {pg::make_array(deletions)});
    spi.execute("UPDATE softdelete_internal.restoration SET restored_by = NULL"
                " WHERE deletion_id = ANY ($1::pg_catalog.int8[])",
                {pg::make_array(deletions)});
}

} // namespace softdelete::registry
