// softdelete.delete(): a plain DELETE by primary key, with everything that a plain DELETE does, but that triggers run as no
// more than the table's owner. Called by api/deletions.
#include "deletion/delete_row.hpp"
#include "sqltext/format.hpp"

#include "catalog/table_info.hpp"
#include "deletion/open_deletions.hpp"
#include "pg/called_settings.hpp"
#include "session/own_statement.hpp"
#include "settings.hpp"

namespace softdelete::deletion {

std::optional<std::int64_t> delete_row(Oid relation, const std::vector<std::string> &key) {
    pg::Spi spi;
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
    return pg::call([] { return find_current_deletion(); });
}

} // namespace softdelete::deletion
