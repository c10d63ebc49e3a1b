// Gives adopted rows new deletion ids where other deletions have got theirs meanwhile. One UPDATE without the user's
// triggers: nothing happens to the rows that the user would know of. Called by register() and ddl/take_on_member.
#include "registration/renumber_deletions.hpp"

#include "pg/scopes.hpp"
#include "sqltext/fragments.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
}

#include <algorithm>

namespace softdelete::registration {

namespace {

struct FoundDeletions {
    std::vector<std::string> ids;
    std::vector<std::string> times;
    std::int64_t last = 0;
};

// An id and the one that it is to become.
struct NewId {
    std::string former;
    std::string id;
};

FoundDeletions find_deletions(pg::Spi &spi, const registry::TableRows &table) {
    pg::ReadScope owner(table.owner);
    pg::ExactTextScope exact;
    FoundDeletions found;
    for (const pg::Row &row :
         spi.query(sqltext::statement("SELECT DISTINCT deletion_id, %2%::timestamptz FROM %1%"
                                      " WHERE deletion_id > 0 AND %2% IS NOT NULL",
                                      table.name, table.deleted_at)
                       .text())) {
        found.ids.push_back(row.text(0));
        found.times.push_back(row.text(1));
        found.last = std::max(found.last, row.number(0));
    }
    return found;
}

// Whoever has an id holds a lock on the sequence until his transaction ends: afterwards the log shows all that were given,
// and none up to this one is given any more.
void reserve_ids(pg::Spi &spi, std::int64_t last) {
    Oid sequence = pg::call([] {
        Oid relation = get_relname_relid("deletion_id_seq", get_namespace_oid("softdelete_internal", false));
        LockRelationOid(relation, ShareRowExclusiveLock);
        return relation;
    });
    {
        pg::UserScope owner(pg::get_extension_owner());
        spi.query_latest(
            "SELECT pg_catalog.setval('softdelete_internal.deletion_id_seq', $1::pg_catalog.int8)"
            " FROM softdelete_internal.deletion_id_seq WHERE last_value <= $1::pg_catalog.int8",
            {std::to_string(last)});
    }
    pg::call([&] { UnlockRelationOid(sequence, ShareRowExclusiveLock); });
}

std::vector<NewId> choose_ids(pg::Spi &spi, Oid relation, const FoundDeletions &found) {
    pg::UserScope owner(pg::get_extension_owner());
    std::vector<NewId> chosen;
    for (const pg::Row &row : spi.query_latest(
             "WITH found (id, deleted_at) AS"
             " (SELECT * FROM unnest($1::pg_catalog.int8[], $2::pg_catalog.timestamptz[])),"
             " taken AS (SELECT f.id FROM found f JOIN softdelete_internal.deletion d ON d.id = f.id"
             " WHERE d.relation <> $3::pg_catalog.oid"
             " AND ($3::pg_catalog.oid = ANY (d.further_relations)) IS NOT TRUE"
             " AND NOT EXISTS (SELECT FROM softdelete_internal.deletion_table t"
             " WHERE t.deletion_id = f.id AND t.relation = $3::pg_catalog.oid)"
             " GROUP BY f.id HAVING pg_catalog.bool_and(f.deleted_at <> d.deleted_at))"
             " SELECT f.id, pg_catalog.min(f.deleted_at), pg_catalog.min(r.id) FROM found f"
             " LEFT JOIN softdelete_internal.renumbered_deletion r ON r.former_id = f.id AND r.deleted_at = "
             "f.deleted_at"
             " LEFT JOIN taken t ON t.id = f.id WHERE t.id IS NOT NULL OR r.id IS NOT NULL"
             " GROUP BY f.id ORDER BY f.id",
             {pg::make_array(found.ids), pg::make_array(found.times), relation})) {
        NewId id = {row.text(0), row.text_or(2, "")};
        if (id.id.empty()) {
            id.id = spi.query("INSERT INTO softdelete_internal.renumbered_deletion (former_id, deleted_at, "
                              "id) VALUES"
                              " ($1::pg_catalog.int8, $2::pg_catalog.timestamptz,"
                              " pg_catalog.nextval('softdelete_internal.deletion_id_seq')) RETURNING id",
                              {id.former, row.text(1)})
                        .front()
                        .text(0);
        }
        chosen.push_back(id);
    }
    return chosen;
}

std::string make_update(const registry::TableRows &table, const std::vector<NewId> &ids) {
    std::string values;
    for (const NewId &id : ids) {
        values += (values.empty() ? "(" : ", (") + id.former + ", " + id.id + ")";
    }
    return sqltext::statement("UPDATE %1% AS t SET deletion_id = n.id FROM (VALUES %3%) AS n (former_id, id)"
                              " WHERE t.deletion_id = n.former_id AND t.%2% IS NOT NULL",
                              table.name, table.deleted_at, sqltext::Expression(values))
        .text();
}

} // namespace

std::vector<model::Step> renumber_deletions(pg::Spi &spi, const registry::TableRows &table) {
    FoundDeletions found = find_deletions(spi, table);
    if (found.ids.empty()) {
        return {};
    }
    reserve_ids(spi, found.last);
    std::vector<NewId> ids = choose_ids(spi, table.relation, found);
    if (ids.empty()) {
        return {};
    }
    std::string update = make_update(table, ids);
    pg::ReadScope owner(table.owner);
    pg::SettingScope settings;
    settings.set("session_replication_role", "replica");
    spi.execute(update);
    return {{table.relation,
             std::to_string(ids.size()) + " deletions with ids of others",
             model::Action::alter,
             false,
             {update}}};
}

} // namespace softdelete::registration
