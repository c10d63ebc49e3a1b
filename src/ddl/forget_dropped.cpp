// Removes what the registry keeps of dropped tables and indexes. The sql_drop event trigger calls it; the server's list
// of dropped objects says what went.
#include "ddl/forget_dropped.hpp"
#include "model/trigger_names.hpp"

#include "catalog/link_names.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "registration/plan_foreign_key_triggers.hpp"
#include "registration/run_steps.hpp"
#include "session/distributed_tables.hpp"

#include <optional>
#include <string>

namespace softdelete::ddl {

namespace {

// Those of partitions as well, which have no registration of their own.
void forget_indexes(pg::Spi &spi) {
    spi.execute("DELETE FROM softdelete_internal.converted_index k"
                " USING pg_catalog.pg_event_trigger_dropped_objects() d"
                " WHERE d.object_type = 'table' AND d.objid = k.relation::pg_catalog.oid");
    spi.execute("DELETE FROM softdelete_internal.converted_index k"
                " USING pg_catalog.pg_event_trigger_dropped_objects() d, pg_catalog.pg_class t,"
                " pg_catalog.pg_namespace n"
                " WHERE d.object_type = 'index' AND n.nspname = d.schema_name AND t.relnamespace = n.oid"
                " AND t.oid = k.relation AND k.name = d.address_names[2]");
}

bool forget_tables(pg::Spi &spi) {
    return spi.execute("DELETE FROM softdelete_internal.registration k"
                       " USING pg_catalog.pg_event_trigger_dropped_objects() d"
                       " WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0"
                       " AND d.objid = k.relation::pg_catalog.oid")
           > 0;
}

// A deletion that began in a table that is gone goes on in another one that it touched.
void hand_deletions_over(pg::Spi &spi) {
    spi.execute("WITH gone AS MATERIALIZED ("
                "SELECT DISTINCT t.relation FROM softdelete_internal.deletion d, unnest(d.further_relations) "
                "t (relation)"
                " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = t.relation))"
                " UPDATE softdelete_internal.deletion d SET further_relations = ARRAY("
                "SELECT t.relation FROM unnest(d.further_relations) WITH ORDINALITY t (relation, place)"
                " WHERE t.relation NOT IN (SELECT g.relation FROM gone g) ORDER BY t.place)"
                " WHERE d.further_relations && ARRAY(SELECT g.relation FROM gone g)");
    spi.execute("UPDATE softdelete_internal.deletion d SET relation = t.relation FROM ("
                "SELECT t.deletion_id, t.relation FROM softdelete_internal.deletion_table t"
                " UNION ALL SELECT d.id, unnest(d.further_relations) FROM softdelete_internal.deletion d) t"
                " JOIN pg_catalog.pg_class c ON c.oid = t.relation WHERE t.deletion_id = d.id"
                " AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = d.relation)");
    spi.execute("DELETE FROM softdelete_internal.deletion_table t USING softdelete_internal.deletion d"
                " WHERE d.id = t.deletion_id AND d.relation = t.relation");
}

// What was kept of the tables, and of any that went unseen before.
GoneDeletions forget_rest(pg::Spi &spi) {
    hand_deletions_over(spi);
    spi.execute("UPDATE softdelete_internal.erasure e SET relation = NULL WHERE relation IS NOT NULL"
                " AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = e.relation)");
    GoneDeletions gone;
    for (const pg::Row &row : spi.query(
             "DELETE FROM softdelete_internal.deletion k"
             " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = k.relation) RETURNING id")) {
        gone.push_back(row.number(0));
    }
    for (const char *table :
         {"registration", "converted_index", "deletion_table", "hold", "anonymizer", "secured_table"}) {
        spi.execute(std::string("DELETE FROM softdelete_internal.") + table
                    + " k WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = k.relation)");
    }
    return gone;
}

GoneDeletions forget(pg::Spi &spi) {
    pg::UserScope owner(pg::get_extension_owner());
    forget_indexes(spi);
    spi.execute("DELETE FROM softdelete_internal.secured_table k USING "
                "pg_catalog.pg_event_trigger_dropped_objects() d"
                " WHERE d.object_type = 'table' AND d.objid = k.relation::pg_catalog.oid");
    return forget_tables(spi) ? forget_rest(spi) : GoneDeletions();
}

// Each constraint trigger of that name, on that table where one is given.
void unlink_trigger(pg::Spi &spi, const char *prefix, const std::string &key, std::optional<Oid> table) {
    std::string trigger = pg::call([&] { return catalog::make_link_name(prefix, key.c_str()); });
    for (const pg::Row &row : spi.query_kept("SELECT conrelid FROM pg_catalog.pg_constraint"
                                             " WHERE conname = $1::pg_catalog.name AND contype = 't'"
                                             " AND conparentid = 0",
                                             {trigger})) {
        const Oid relation = row.oid(0);
        // Citus drops the keys of a shard, and makes them again.
        if ((!table || *table == relation) && !pg::call([=] { return session::is_shard(relation); })) {
            registration::run_steps(spi, registration::plan_own_links(spi, row.oid(0)));
        }
    }
}

// The trigger that a deferrable key had on the table that it referenced, and the one that any key to a registered table had
// on its own, which stays where that table was dropped by CASCADE.
void unlink_dropped_keys(pg::Spi &spi) {
    for (const pg::Row &key : spi.query_kept(
             "SELECT d.address_names[3], c.oid FROM pg_catalog.pg_event_trigger_dropped_objects() d"
             " LEFT JOIN (pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace)"
             " ON n.nspname = d.address_names[1] AND c.relname = d.address_names[2]"
             " WHERE d.object_type = 'table constraint'")) {
        unlink_trigger(spi, model::children_check_prefix, key.text(0), std::nullopt);
        if (!key.is_null(1)) {
            unlink_trigger(spi, model::parent_check_prefix, key.text(0), key.oid(1));
        }
    }
}

} // namespace

GoneDeletions forget_rest_of_dropped() {
    pg::Spi spi;
    pg::UserScope owner(pg::get_extension_owner());
    return forget_rest(spi);
}

GoneDeletions forget_dropped() {
    pg::Spi spi;
    GoneDeletions gone = forget(spi);
    unlink_dropped_keys(spi);
    return gone;
}

} // namespace softdelete::ddl
