// Reads and writes softdelete_internal.archive, as the extension's owner.
#include "archive/archive_settings.hpp"

#include "pg/quote.hpp"
#include "registry/deletion_ids.hpp"
#include "registry/role_lists.hpp"
#include "sqltext/format.hpp"

namespace softdelete::archive {

namespace {

constexpr const char *settings_query = R"(
    SELECT k.relation::pg_catalog.oid, k.archive::pg_catalog.oid, c.relname, k.deleted_at, k.deleted_by, k.active_view,
           k.deleted_view, k.all_view, k.retention, k.on_expiry, %1%, k.indexes, k.time_zone
    FROM softdelete_internal.archive k
    LEFT JOIN pg_catalog.pg_class c ON c.oid = k.archive
    WHERE k.relation = $1::pg_catalog.oid)";

} // namespace

std::optional<ArchiveSettings> find_settings(pg::Spi &spi, Oid relation, SettingsLock lock) {
    pg::UserScope owner(pg::get_extension_owner());
    static const std::string query =
        sqltext::format(settings_query, sqltext::Expression(registry::role_names));
    const auto rows = lock == SettingsLock::for_update ? spi.query(query + " FOR UPDATE OF k", {relation})
                                                       : spi.query_kept(query, {relation});
    if (rows.empty()) {
        return std::nullopt;
    }
    const pg::Row &row = rows.front();
    return ArchiveSettings{row.oid(0),
                           row.oid(1),
                           row.text_or(2, ""),
                           row.text(3),
                           row.is_null(4) ? std::nullopt : std::optional(row.text(4)),
                           row.text(5),
                           row.text(6),
                           row.text(7),
                           row.is_null(8) ? std::nullopt : std::optional(row.text(8)),
                           row.is_null(2),
                           *model::parse_on_expiry(row.text(9)),
                           row.array(10),
                           row.value(11),
                           row.text(12)};
}

void insert_settings(pg::Spi &spi, const ArchiveSettings &settings) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute(
        "INSERT INTO softdelete_internal.archive (relation, archive, deleted_at, deleted_by, "
        "active_view, deleted_view, all_view, retention, on_expiry, admin_roles, indexes, time_zone) VALUES "
        "($1::pg_catalog.oid, "
        "$2::pg_catalog.oid, "
        "$3::pg_catalog.name, $4::pg_catalog.name, $5::pg_catalog.name, $6::pg_catalog.name, "
        "$7::pg_catalog.name, $8::pg_catalog.interval, $9, "
            + registry::make_roles("$10") + ", $11, coalesce($12, pg_catalog.current_setting('TimeZone')))",
        {settings.relation, settings.archive, settings.deleted_at, settings.deleted_by, settings.active_view,
         settings.deleted_view, settings.all_view, settings.retention, model::to_text(settings.on_expiry),
         pg::make_array(settings.admin_roles), settings.indexes, settings.time_zone});
}

void set_archive(pg::Spi &spi, Oid relation, Oid archive) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("UPDATE softdelete_internal.archive SET archive = $2::pg_catalog.oid WHERE relation = "
                "$1::pg_catalog.oid",
                {relation, archive});
}

void set_retention(pg::Spi &spi, Oid relation, const std::optional<std::string> &retention) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("UPDATE softdelete_internal.archive SET retention = $2::pg_catalog.interval WHERE relation = "
                "$1::pg_catalog.oid",
                {relation, retention});
}

void set_on_expiry(pg::Spi &spi, Oid relation, model::OnExpiry on_expiry) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("UPDATE softdelete_internal.archive SET on_expiry = $2 WHERE relation = $1::pg_catalog.oid",
                {relation, model::to_text(on_expiry)});
}

void set_admin_roles(pg::Spi &spi, Oid relation, const std::vector<std::string> &roles) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("UPDATE softdelete_internal.archive SET admin_roles = " + registry::make_roles("$2")
                    + " WHERE relation = $1::pg_catalog.oid",
                {relation, pg::make_array(roles)});
}

void set_indexes(pg::Spi &spi, Oid relation, const std::optional<std::string> &indexes) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("UPDATE softdelete_internal.archive SET indexes = $2 WHERE relation = $1::pg_catalog.oid",
                {relation, indexes});
}

void note_exact_times(pg::Spi &spi, Oid relation) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute(sqltext::format("UPDATE softdelete_internal.archive SET timed_after = %1% WHERE relation = "
                                "$1::pg_catalog.oid",
                                sqltext::Expression(registry::last_deletion_id)),
                {relation});
}

void delete_settings(pg::Spi &spi, Oid relation) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("DELETE FROM softdelete_internal.archive WHERE relation = $1::pg_catalog.oid", {relation});
}

} // namespace softdelete::archive
