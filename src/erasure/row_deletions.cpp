// Reads the columns that tell of deletions. Called by erasure/carry_keys.
#include "erasure/row_deletions.hpp"

#include "pg/scopes.hpp"
#include "registry/deletion_ids.hpp"
#include "rows/follow_links.hpp"
#include "sqltext/format.hpp"

namespace softdelete::erasure {

using rows::RowId;

std::map<RowId, std::string> read_deletions(pg::Spi &spi, const catalog::TableInfo &table,
                                            const rows::RowSet &rows) {
    std::map<RowId, std::string> deletions;
    const std::string query =
        sqltext::format("/* softdelete */ SELECT t.tableoid, t.ctid, %4% FROM %1% AS t WHERE %2% "
                        "AND %3% AND %4% IS NOT NULL",
                        table.name, rows::see_all(table, "t"), rows::make_membership(table, "t", 1),
                        registry::make_deletion_of("t.deletion_id"));
    pg::OwnerScope owner(table.owner);
    for (const pg::Row &row : spi.query(query, {rows.tables(), rows.positions()})) {
        deletions.emplace(rows::read_row_id(row), row.text(2));
    }
    return deletions;
}

bool is_same_deletion(const std::map<RowId, std::string> &some, const RowId &one,
                      const std::map<RowId, std::string> &others, const RowId &other) {
    auto mine = some.find(one);
    auto its = others.find(other);
    return mine != some.end() && its != others.end() && mine->second == its->second;
}

} // namespace softdelete::erasure
