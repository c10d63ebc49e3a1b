// Looks in the log of deletions for those of an actor, a time and a table. Called by undo() and undo_preview() of several
// deletions.
#include "restore/find_deletions.hpp"

#include "pg/called_settings.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "registry/registered_names.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "parser/scansup.h"
#include "utils/timestamp.h"
}

namespace softdelete::restore {

namespace {

// $1 since, $2 until, $3 the actor, $4 the table and all that belongs to it, or null, $5 who asks. The tables of a deletion
// stand in three places.
constexpr const char *traits_query = R"(
    SELECT d.id
    FROM softdelete_internal.deletion d
    WHERE d.restored_at IS NULL
      AND d.deleted_at >= $1::pg_catalog.timestamptz
      AND ($2::pg_catalog.timestamptz IS NULL OR d.deleted_at <= $2::pg_catalog.timestamptz)
      AND ($3::pg_catalog.text IS NULL OR d.deleted_by = $3::pg_catalog.text)
      AND ($4::pg_catalog.oid[] IS NULL
           OR EXISTS (SELECT FROM (SELECT d.relation
                                   UNION ALL SELECT pg_catalog.unnest(d.further_relations)
                                   UNION ALL SELECT t.relation FROM softdelete_internal.deletion_table t
                                             WHERE t.deletion_id = d.id) AS touched (relation)
                      WHERE touched.relation::pg_catalog.oid = ANY ($4::pg_catalog.oid[])))
      AND (pg_catalog.has_table_privilege($5::pg_catalog.oid, d.relation::pg_catalog.oid, 'SELECT')
           OR EXISTS (SELECT FROM (SELECT d.relation
                                   UNION ALL SELECT pg_catalog.unnest(d.further_relations)
                                   UNION ALL SELECT t.relation FROM softdelete_internal.deletion_table t
                                             WHERE t.deletion_id = d.id) AS touched (relation)
                      WHERE pg_catalog.has_any_column_privilege($5::pg_catalog.oid, touched.relation::pg_catalog.oid,
                                                                'UPDATE')))
    ORDER BY d.id DESC)";

constexpr const char *members_query = R"(
    WITH RECURSIVE member (relation) AS (
        SELECT $1::pg_catalog.oid
        UNION SELECT h.inhrelid FROM pg_catalog.pg_inherits h JOIN member m ON h.inhparent = m.relation)
    SELECT relation FROM member)";

// What the caller's search_path finds under the name.
Oid find_visible(const std::string &name) {
    pg::SettingScope path;
    return pg::call([&] {
        pg::CalledSettings::apply_path();
        const Oid found = RelnameGetRelid(name.c_str());
        return OidIsValid(found) ? found
                                 : RelnameGetRelid(downcase_identifier(
                                     name.c_str(), static_cast<int>(name.size()), false, false));
    });
}

// Tables that somebody may mean who gives that name, but none where it may be an actor's.
constexpr const char *meant_query = R"(
    SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
    FROM (SELECT r.relation FROM softdelete_internal.registration r UNION SELECT a.relation FROM softdelete_internal.archive a)
         AS registered (relation)
    JOIN pg_catalog.pg_class c ON c.oid = registered.relation::pg_catalog.oid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE ($1 IN (c.relname::pg_catalog.text, n.nspname || '.' || c.relname, pg_catalog.quote_ident(c.relname),
                  pg_catalog.format('%I.%I', n.nspname, c.relname))
           OR pg_catalog.lower($1) IN (c.relname::pg_catalog.text, n.nspname || '.' || c.relname))
      AND NOT EXISTS (SELECT FROM softdelete_internal.deletion d WHERE d.deleted_by = $1)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles o WHERE o.rolname = $1)
    ORDER BY c.oid = $2::pg_catalog.oid DESC, 1 LIMIT 1)";

// visible: what the caller's search_path finds under the name. The server takes a literal without a type for text, and so
// for an actor.
void check_is_actor(pg::Spi &spi, const std::string &actor, Oid visible) {
    for (const pg::Row &row : spi.query(meant_query, {actor, visible})) {
        pg::raise({.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
                   .message = sqltext::format("\"%1%\" is the name of a registered table, and nobody of that "
                                              "name has deleted anything",
                                              actor),
                   .detail = "A text is taken for an actor.",
                   .hint = sqltext::format("For the deletions of the table say relation => %1%.",
                                           pg::quote_literal(row.text(0)))});
    }
}

// A statement that names an inheritance child may have logged that one.
std::optional<std::string> find_members(pg::Spi &spi, const std::optional<Oid> &relation) {
    if (!relation) {
        return std::nullopt;
    }
    const Oid named = catalog::get_soft_table(spi, *relation).relation;
    const Oid root = registry::find_registered_root(spi, named).value_or(named);
    std::vector<std::string> members;
    for (const pg::Row &row : spi.query(members_query, {root})) {
        members.push_back(row.text(0));
    }
    return pg::make_array(members);
}

// Not as text: what that means depends on the session's settings.
pg::Parameter make_time(const std::optional<TimestampTz> &time) {
    return {TimestampTzGetDatum(time.value_or(0)), TIMESTAMPTZOID, !time.has_value()};
}

std::vector<std::string> make_texts(const std::vector<std::int64_t> &ids) {
    std::vector<std::string> texts;
    for (std::int64_t id : ids) {
        texts.push_back(std::to_string(id));
    }
    return texts;
}

} // namespace

std::vector<std::int64_t> find_deletions(pg::Spi &spi, const DeletionTraits &traits,
                                         deletion::DeletionLock lock) {
    const std::optional<std::string> members = find_members(spi, traits.relation);
    const Oid role = GetUserId();
    const Oid visible = traits.actor ? find_visible(*traits.actor) : InvalidOid;
    pg::UserScope owner(pg::get_extension_owner());
    const std::string query =
        std::string(traits_query) + (lock == deletion::DeletionLock::for_update ? " FOR UPDATE OF d" : "");
    std::vector<std::int64_t> found;
    for (const pg::Row &row :
         spi.query(query, {make_time(traits.since), make_time(traits.until), traits.actor, members, role})) {
        found.push_back(row.number(0));
    }
    if (found.empty() && traits.actor && !traits.relation) {
        check_is_actor(spi, *traits.actor, visible);
    }
    return found;
}

pg::Parameter make_ids(const std::vector<std::int64_t> &deletions) {
    return {pg::make_array(make_texts(deletions))};
}

std::string list_ids(const std::vector<std::int64_t> &deletions) {
    return "'{" + sqltext::join(make_texts(deletions), ",") + "}'::pg_catalog.int8[]";
}

} // namespace softdelete::restore
