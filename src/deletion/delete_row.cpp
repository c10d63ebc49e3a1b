// softdelete.delete(): a plain DELETE by primary key, with everything that a plain DELETE does, but that triggers run as no
// more than the table's owner. Called by api/deletions.
#include "deletion/delete_row.hpp"
#include "session/distributed_tables.hpp"
#include "sqltext/format.hpp"

#include "catalog/table_info.hpp"
#include "deletion/open_deletions.hpp"
#include "pg/called_settings.hpp"
#include "rows/follow_links.hpp"
#include "session/own_statement.hpp"
#include "settings.hpp"

namespace softdelete::deletion {

namespace {

// The deletion that took the row: a trigger may have set another actor since, which begins another one. Read as the owner, for
// the caller needs no right to read it.
std::int64_t find_deletion_of(pg::Spi &spi, const catalog::TableInfo &table,
                              const catalog::KeyLookup &lookup) {
    std::int64_t current = pg::call([] { return find_current_deletion(); });
    std::int64_t found = current;
    const catalog::TableInfo deleted = table.is_registered ? table : catalog::get_archive(table);
    const std::string query =
        sqltext::format("/* softdelete */ SELECT t.deletion_id FROM %1% AS t WHERE %2% AND %3%", deleted.name,
                        rows::see_all(deleted, "t"), lookup.condition);
    pg::OwnerScope owner(table.owner);
    for (const pg::Row &row : spi.query(query, lookup.values)) {
        std::int64_t id = std::stoll(row.text_or(0, "0"));
        if (id == current) {
            return current;
        }
        found = is_open_deletion(id) ? id : found;
    }
    return found;
}

} // namespace

std::optional<std::int64_t> delete_row(Oid relation, const std::vector<std::string> &key) {
    pg::Spi spi;
    pg::call([&] { session::refuse_distributed(relation); });
    catalog::TableInfo table = catalog::get_soft_table(spi, relation);
    catalog::KeyLookup lookup = catalog::get_key_lookup(spi, table, key);
    // Without RETURNING, which would need SELECT on more than the key.
    std::string statement = sqltext::format("DELETE FROM %1% WHERE %2%", table.name, lookup.condition);
    pg::NamedTableScope scope(relation, table.owner);
    session::OwnStatement own(statement, {.runs_as_called = true});
    bool is_soft = settings::deletion() == settings::Deletion::soft;
    if (spi.execute(statement, lookup.values) == 0 || !is_soft) {
        return std::nullopt;
    }
    return find_deletion_of(spi, table, lookup);
}

} // namespace softdelete::deletion
