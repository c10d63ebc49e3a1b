// softdelete.delete(): a plain DELETE by primary key, with everything that a plain DELETE does. Called by
// api/deletions.
#include "deletion/delete_row.hpp"
#include "sqltext/format.hpp"

#include "catalog/table_info.hpp"
#include "session/own_statement.hpp"

namespace softdelete::deletion {

std::optional<std::int64_t> delete_row(Oid relation, const std::vector<std::string> &key) {
    pg::Spi spi;
    catalog::TableInfo table = catalog::get_registered_table(spi, relation);
    catalog::KeyLookup lookup = catalog::get_key_lookup(spi, table, key);
    std::string statement =
        sqltext::format("DELETE FROM %1% WHERE %2% RETURNING deletion_id", table.name, lookup.condition);
    session::OwnStatement own(statement, {.runs_as_called = true});
    std::vector<pg::Row> rows = spi.query(statement, lookup.values);
    if (rows.empty() || rows.front().is_null(0)) {
        return std::nullopt;
    }
    return rows.front().number(0);
}

} // namespace softdelete::deletion
