// Reads and writes registrations and converted indexes, by SQL as the extension's owner. Called by commands; the hot
// path reads session/registered_table.
#include "registry/registry.hpp"

#include "pg/scopes.hpp"
#include "registry/role_lists.hpp"
#include "sqltext/fragments.hpp"

namespace softdelete::registry {

namespace {

model::TableSettings read_settings(const pg::Row &row) {
    model::TableSettings settings;
    settings.visibility = *model::parse_visibility(row.text(0));
    settings.indexes = *model::parse_index_mode(row.text(1));
    settings.retention = row.value(2);
    settings.deleted_at = row.text(3);
    settings.deleted_by = row.value(4);
    settings.admin_roles = row.array(5);
    settings.active_view = row.text(6);
    settings.deleted_view = row.text(7);
    settings.all_view = row.text(8);
    settings.on_expiry = *model::parse_on_expiry(row.text(13));
    return settings;
}

// Without statistics the planner takes every row of a table for a deleted one, and compiles what looks expensive.
void prefer_indexes(pg::SettingScope &settings) {
    settings.set("enable_seqscan", "off");
    settings.set("jit", "off");
}

std::string to_oid_array(const std::vector<Oid> &oids) {
    std::vector<std::string> texts;
    for (Oid oid : oids) {
        texts.push_back(std::to_string(oid));
    }
    return pg::make_array(texts);
}

} // namespace

std::optional<Registration> find_registration(pg::Spi &spi, Oid relation) {
    pg::UserScope owner(pg::get_extension_owner());
    auto rows = spi.query_kept(
        std::string("SELECT visibility, indexes, retention, deleted_at, deleted_by, ") + role_names
            + ", active_view,"
              " deleted_view, all_view, added_columns, added_indexes, added_views, comment_before, on_expiry"
              " FROM softdelete_internal.registration WHERE relation = $1::oid",
        {relation});
    if (rows.empty()) {
        return std::nullopt;
    }
    const pg::Row &row = rows.front();
    return Registration{relation,      read_settings(row), row.array(9),
                        row.array(10), row.array(11),      row.value(12)};
}

std::optional<Registration> lock_registration(pg::Spi &spi, Oid relation) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.query("SELECT FROM softdelete_internal.registration WHERE relation = $1::oid FOR UPDATE", {relation});
    return find_registration(spi, relation);
}

void insert_registration(pg::Spi &spi, const Registration &registration) {
    pg::UserScope owner(pg::get_extension_owner());
    const model::TableSettings &settings = registration.settings;
    spi.execute("INSERT INTO softdelete_internal.registration (relation, strategy, visibility, indexes, "
                "retention, deleted_at,"
                " deleted_by, admin_roles, active_view, deleted_view, all_view, added_columns, added_indexes,"
                " added_views, comment_before, on_expiry)"
                " VALUES ($1::oid, 'flag', $2, $3, $4::interval, $5, $6, "
                    + make_roles("$7")
                    + ", $8, $9, $10, $11::name[],"
                      " $12::name[], $13::name[], $14, $15)",
                {registration.relation, model::to_text(settings.visibility), model::to_text(settings.indexes),
                 settings.retention, settings.deleted_at, settings.deleted_by,
                 pg::make_array(settings.admin_roles), settings.active_view, settings.deleted_view,
                 settings.all_view, pg::make_array(registration.added_columns),
                 pg::make_array(registration.added_indexes), pg::make_array(registration.added_views),
                 registration.comment_before, model::to_text(settings.on_expiry)});
}

void update_registration(pg::Spi &spi, const Registration &registration) {
    pg::UserScope owner(pg::get_extension_owner());
    const model::TableSettings &settings = registration.settings;
    spi.execute(
        "UPDATE softdelete_internal.registration SET visibility = $2, indexes = $3, retention = $4::interval,"
        " admin_roles = "
            + make_roles("$5")
            + ", added_columns = $6::name[], added_indexes = $7::name[],"
              " added_views = $8::name[], on_expiry = $9 WHERE relation = $1::oid",
        {registration.relation, model::to_text(settings.visibility), model::to_text(settings.indexes),
         settings.retention, pg::make_array(settings.admin_roles), pg::make_array(registration.added_columns),
         pg::make_array(registration.added_indexes), pg::make_array(registration.added_views),
         model::to_text(settings.on_expiry)});
}

void delete_registration(pg::Spi &spi, Oid relation, const std::vector<Oid> &members) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("DELETE FROM softdelete_internal.converted_index WHERE relation = ANY ($1::oid[])",
                {to_oid_array(members)});
    spi.execute("DELETE FROM softdelete_internal.registration WHERE relation = $1::oid", {relation});
}

void forget_registration(pg::Spi &spi, Oid relation) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("DELETE FROM softdelete_internal.registration WHERE relation = $1::oid", {relation});
}

void insert_converted_index(pg::Spi &spi, const ConvertedIndex &index) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute(
        "INSERT INTO softdelete_internal.converted_index (relation, name, kind, definition, is_deferrable,"
        " initially_deferred, is_clustered, comment)"
        " VALUES ($1::oid, $2, $3, $4, $5::boolean, $6::boolean, $7::boolean, $8)"
        " ON CONFLICT (relation, name) DO UPDATE SET kind = excluded.kind, definition = excluded.definition,"
        " is_deferrable = excluded.is_deferrable, initially_deferred = excluded.initially_deferred,"
        " is_clustered = excluded.is_clustered, comment = excluded.comment",
        {index.relation, index.name, index.kind, index.definition, index.is_deferrable,
         index.is_initially_deferred, index.is_clustered, index.comment});
}

void delete_converted_index(pg::Spi &spi, Oid relation, const std::string &name) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute(
        "DELETE FROM softdelete_internal.converted_index WHERE relation = $1::oid AND name = $2::name",
        {relation, name});
}

std::vector<ConvertedIndex> find_converted_indexes(pg::Spi &spi, const std::vector<Oid> &relations) {
    pg::UserScope owner(pg::get_extension_owner());
    std::vector<ConvertedIndex> indexes;
    for (const pg::Row &row :
         spi.query_kept("SELECT relation::oid, name, kind, definition, is_deferrable,"
                        " initially_deferred, is_clustered, comment FROM softdelete_internal.converted_index"
                        " WHERE relation = ANY ($1::oid[]) AND kind <> 'whole'"
                        " ORDER BY array_position($1::oid[], relation::oid), name",
                        {to_oid_array(relations)})) {
        indexes.push_back({row.oid(0), row.text(1), row.text(2), row.text(3), row.boolean(4), row.boolean(5),
                           row.boolean(6), row.value(7)});
    }
    return indexes;
}

std::set<std::pair<Oid, std::string>> find_whole_indexes(pg::Spi &spi, const std::vector<Oid> &relations) {
    pg::UserScope owner(pg::get_extension_owner());
    std::set<std::pair<Oid, std::string>> indexes;
    for (const pg::Row &row :
         spi.query_kept("SELECT relation::oid, name FROM softdelete_internal.converted_index"
                        " WHERE relation = ANY ($1::oid[]) AND kind = 'whole'",
                        {to_oid_array(relations)})) {
        indexes.insert({row.oid(0), row.text(1)});
    }
    return indexes;
}

void delete_whole_indexes(pg::Spi &spi, const std::vector<Oid> &relations) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("DELETE FROM softdelete_internal.converted_index"
                " WHERE relation = ANY ($1::oid[]) AND kind = 'whole'",
                {to_oid_array(relations)});
}

void record_partition_indexes(pg::Spi &spi, Oid root) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute(
        "WITH RECURSIVE tree (index, name, kind, definition, is_deferrable, initially_deferred) AS ("
        " SELECT i.indexrelid, k.name, k.kind, k.definition, k.is_deferrable, k.initially_deferred"
        " FROM softdelete_internal.converted_index k JOIN pg_index i ON i.indrelid = k.relation"
        " JOIN pg_class c ON c.oid = i.indexrelid AND c.relname = k.name WHERE k.relation = $1::oid AND "
        "k.kind <> 'whole'"
        " UNION ALL"
        " SELECT h.inhrelid, c.relname, t.kind, t.definition, t.is_deferrable, t.initially_deferred"
        " FROM tree t JOIN pg_inherits h ON h.inhparent = t.index JOIN pg_class c ON c.oid = h.inhrelid)"
        " INSERT INTO softdelete_internal.converted_index"
        " (relation, name, kind, definition, is_deferrable, initially_deferred)"
        " SELECT i.indrelid, t.name, t.kind, t.definition, t.is_deferrable, t.initially_deferred"
        " FROM tree t JOIN pg_index i ON i.indexrelid = t.index ON CONFLICT DO NOTHING",
        {root});
}

void hand_deletions_over(pg::Spi &spi, Oid from, Oid to) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("UPDATE softdelete_internal.deletion SET relation = $2::oid WHERE relation = $1::oid",
                {from, to});
    spi.execute("UPDATE softdelete_internal.deletion SET further_relations ="
                " array_replace(further_relations, $1::oid::regclass, $2::oid::regclass)"
                " WHERE $1::oid = ANY (further_relations)",
                {from, to});
    spi.execute(
        "WITH old AS (DELETE FROM softdelete_internal.deletion_table WHERE relation = $1::oid "
        "RETURNING deletion_id, has_new_rows)"
        " INSERT INTO softdelete_internal.deletion_table (deletion_id, relation, has_new_rows)"
        " SELECT o.deletion_id, $2::oid, o.has_new_rows FROM old o JOIN softdelete_internal.deletion d "
        "ON d.id = o.deletion_id"
        " WHERE d.relation <> $2::oid OR o.has_new_rows ON CONFLICT DO NOTHING",
        {from, to});
}

std::int64_t adopt_deletions(pg::Spi &spi, const TableRows &table,
                             const std::optional<std::string> &deleted_by) {
    sqltext::Expression actor(deleted_by ? "min(" + *deleted_by + "::text)" : "NULL");
    std::vector<std::string> ids;
    std::vector<std::string> times;
    std::vector<std::string> actors;
    {
        pg::ReadScope owner(table.owner);
        pg::SettingScope planning;
        prefer_indexes(planning);
        // A time without a zone is one of the session's zone, as everywhere.
        pg::SettingScope texts;
        texts.set("DateStyle", "ISO, YMD");
        for (const pg::Row &row : spi.query(
                 sqltext::statement("SELECT deletion_id, min(%2%)::timestamptz, coalesce(%3%, '') FROM %1%"
                                    " WHERE deletion_id > 0 AND %2% IS NOT NULL GROUP BY deletion_id",
                                    table.name, table.deleted_at, actor)
                     .text())) {
            ids.push_back(row.text(0));
            times.push_back(row.text(1));
            actors.push_back(row.text(2));
        }
    }
    pg::UserScope owner(pg::get_extension_owner());
    auto added = static_cast<std::int64_t>(
        spi.execute("INSERT INTO softdelete_internal.deletion (id, relation, deleted_at, deleted_by)"
                    " SELECT d.id, $1::oid, d.deleted_at, nullif(d.actor, '')"
                    " FROM unnest($2::int8[], $3::timestamptz[], $4::text[]) d (id, deleted_at, actor)"
                    " ON CONFLICT (id) DO NOTHING",
                    {table.relation, pg::make_array(ids), pg::make_array(times), pg::make_array(actors)}));
    spi.execute(
        "INSERT INTO softdelete_internal.deletion_table (deletion_id, relation)"
        " SELECT d.id, $1::oid FROM unnest($2::int8[]) t (id) JOIN softdelete_internal.deletion d"
        " ON d.id = t.id AND d.relation <> $1::oid AND ($1::oid = ANY (d.further_relations)) IS NOT TRUE"
        " ON CONFLICT DO NOTHING",
        {table.relation, pg::make_array(ids)});
    return added;
}

bool has_live_deletion_ids(pg::Spi &spi, const TableRows &table) {
    pg::ReadScope owner(table.owner);
    pg::SettingScope planning;
    prefer_indexes(planning);
    // The fence keeps the planner from the indexes of live rows.
    return spi
        .query(
            sqltext::statement("SELECT EXISTS (SELECT FROM (SELECT %2% FROM %1% WHERE deletion_id IS NOT NULL"
                               " AND softdelete.include_deleted(%2%) OFFSET 0) s WHERE %2% IS NULL)",
                               table.name, table.deleted_at)
                .text())
        .front()
        .boolean(0);
}

std::int64_t count_deleted_rows(pg::Spi &spi, const TableRows &table) {
    pg::ReadScope owner(table.owner);
    pg::SettingScope planning;
    prefer_indexes(planning);
    return spi
        .query(
            sqltext::statement("SELECT count(*) FROM %1% WHERE %2% IS NOT NULL", table.name, table.deleted_at)
                .text())
        .front()
        .number(0);
}

} // namespace softdelete::registry
