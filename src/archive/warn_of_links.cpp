// A DELETE on a table with an archive is a real one: what its foreign keys do to other tables is done for good, unless these
// have archives of their own.
#include "archive/warn_of_links.hpp"

#include "pg/quote.hpp"
#include "sqltext/fragments.hpp"

#include <algorithm>

namespace softdelete::archive {

namespace {

constexpr const char *links_query = R"(
    SELECT DISTINCT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname), k.confdeltype,
           EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE c.oid = h.inhrelid OR (c.oid = h.inhparent AND c.relkind = 'r'))
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_class c ON c.oid = coalesce(pg_catalog.pg_partition_root(k.conrelid)::pg_catalog.oid, k.conrelid)
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype = 'f' AND k.confdeltype IN ('c', 'n', 'd')
      AND (k.confrelid = $1::pg_catalog.oid
           OR k.confrelid IN (SELECT p.relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid) p))
    ORDER BY 2, 3)";

bool has_archive(pg::Spi &spi, Oid relation) {
    pg::UserScope owner(pg::get_extension_owner());
    return !spi.query("SELECT FROM softdelete_internal.archive WHERE relation = $1::pg_catalog.oid",
                      {relation})
                .empty();
}

} // namespace

std::vector<model::Step> warn_of_links(pg::Spi &spi, const catalog::Table &table,
                                       const std::vector<catalog::Table> &together) {
    std::vector<model::Step> warnings;
    for (const pg::Row &row : spi.query(links_query, {table.oid})) {
        const std::string name = row.text(1);
        bool comes_along = std::any_of(together.begin(), together.end(),
                                       [&](const auto &other) { return other.oid == row.oid(0); });
        if (row.text(2) != "c") {
            warnings.push_back({table.oid,
                                "rows of " + name,
                                model::Action::warning,
                                false,
                                {},
                                "a DELETE takes away the link of rows that reference this table by ON DELETE "
                                "SET NULL or SET DEFAULT, and a restore does not bring it back",
                                model::warning::lost_links,
                                "Use strategy => 'flag', which keeps links"});
        } else if (!comes_along && !has_archive(spi, row.oid(0))) {
            std::vector<std::string> commands;
            const bool is_inherited = row.boolean(3);
            if (!is_inherited) {
                commands.push_back(
                    sqltext::format("SELECT * FROM softdelete.register(%1%, strategy => 'archive')",
                                    sqltext::Literal(pg::quote_literal(name))));
            }
            warnings.push_back(
                {table.oid, "rows of " + name, model::Action::warning, false, commands,
                 "a DELETE removes rows that reference this table by ON DELETE CASCADE for good",
                 model::warning::unregistered_child,
                 is_inherited ? "Tables that inherit, and those that others inherit from, have no archive"
                              : "To archive them as well"});
        }
    }
    return warnings;
}

} // namespace softdelete::archive
