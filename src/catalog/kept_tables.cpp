// Called where a command takes a table by its name: registration/lock_table, history/check_tracking, catalog/table_info. The
// registry knows whose the rows are; a copy of the schema without the registry's rows has the guard alone.
#include "catalog/kept_tables.hpp"

#include "catalog/table_catalog.hpp"
#include "pg/scopes.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "utils/lsyscache.h"
}

#include <optional>

namespace softdelete::catalog {

namespace {

constexpr const char *kept_query = R"(
    SELECT x.kind, o.relname, pg_catalog.format('%I.%I', n.nspname, o.relname), x.kept <> $1::pg_catalog.oid, k.relname
    FROM (SELECT a.archive::pg_catalog.oid, a.relation::pg_catalog.oid, 'archive' FROM softdelete_internal.archive a
          UNION ALL SELECT t.history, t.relation, 'history' FROM softdelete_internal.tracked_table t) x (kept, relation, kind)
    JOIN pg_catalog.pg_class k ON k.oid = $1::pg_catalog.oid
    JOIN pg_catalog.pg_class o ON o.oid = x.relation
    JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
    WHERE x.kept = coalesce(pg_catalog.pg_partition_root($1::pg_catalog.oid)::pg_catalog.oid, $1::pg_catalog.oid))";

struct Kept {
    std::string described; // the archive of table "t"
    std::string name;      // of itself
    std::string owner;     // the table whose rows it keeps, qualified
};

std::optional<Kept> find_kept(pg::Spi &spi, Oid relation) {
    pg::OwnerScope owner(pg::get_extension_owner());
    for (const pg::Row &row : spi.query_kept(kept_query, {relation})) {
        return Kept{sqltext::format("%1%the %2% of table \"%3%\"", (row.boolean(3) ? "a part of " : ""),
                                    row.text(0), row.text(1)),
                    row.text(4), row.text(2)};
    }
    return std::nullopt;
}

} // namespace

void check_not_kept(pg::Spi &spi, Oid relation) {
    const std::optional<Kept> kept = find_kept(spi, relation);
    if (kept) {
        pg::raise({.sqlstate = ERRCODE_WRONG_OBJECT_TYPE,
                   .message = sqltext::format("table \"%1%\" is %2%", kept->name, kept->described),
                   .hint = sqltext::format("Name that table, %1%.", kept->owner),
                   .relation = relation});
    }
    if (is_guarded(spi, relation)) {
        pg::raise({.sqlstate = ERRCODE_WRONG_OBJECT_TYPE,
                   .message = sqltext::format("table \"%1%\" is a history or an archive",
                                              pg::call([&] { return get_rel_name(relation); })),
                   .detail = "Of which table is not known, as in a copy of the schema without its data.",
                   .hint = "Name the table whose rows it keeps.",
                   .relation = relation});
    }
}

std::string describe_kept(pg::Spi &spi, Oid relation) {
    const std::optional<Kept> kept = find_kept(spi, relation);
    return kept ? sqltext::format("It is %1%.", kept->described) : std::string();
}

} // namespace softdelete::catalog
