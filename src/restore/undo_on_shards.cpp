// Brings back the rows that a deletion has taken from tables of Citus. The nodes of the shards check parents and keys themselves,
// row by row; here the tables are put in order. Called by restore/undo_deletion.
#include "restore/undo_on_shards.hpp"

#include "catalog/table_catalog.hpp"
#include "pg/scopes.hpp"
#include "restore/restore_errors.hpp"
#include "sqltext/format.hpp"

#include <algorithm>

namespace softdelete::restore {

namespace {

using catalog::TableInfo;

// The first of them that references no other one. In a circle it is any: rows whose parents are still deleted are refused.
std::vector<TableInfo>::iterator find_next(pg::Spi &spi, std::vector<TableInfo> &tables) {
    auto is_waiting = [&](const TableInfo &table) {
        const std::vector<catalog::OwnForeignKey> keys = catalog::find_own_foreign_keys(spi, table.relation);
        return std::any_of(keys.begin(), keys.end(), [&](const catalog::OwnForeignKey &key) {
            return key.parent != table.relation
                   && std::any_of(tables.begin(), tables.end(),
                                  [&](const TableInfo &other) { return other.relation == key.parent; });
        });
    };
    auto next = std::find_if_not(tables.begin(), tables.end(), is_waiting);
    return next == tables.end() ? tables.begin() : next;
}

} // namespace

deletion::RestoredRows undo_on_shards(pg::Spi &spi, std::vector<TableInfo> tables, std::int64_t deletion) {
    deletion::RestoredRows restored;
    if (tables.empty()) {
        return restored;
    }
    pg::SettingScope settings;
    settings.set("citus.multi_shard_modify_mode",
                 "sequential"); // each statement sees what the one before it has done
    while (!tables.empty()) {
        const auto next = find_next(spi, tables);
        const std::string statement = sqltext::format(
            "/* softdelete */ UPDATE %1% AS t SET %2% = NULL WHERE t.deletion_id OPERATOR(pg_catalog.=) "
            "$1::pg_catalog.int8",
            next->name, next->deleted_at);
        restored[next->relation] +=
            execute_restore(spi, *next, RestoreAs::caller, std::to_string(deletion), statement, {deletion});
        tables.erase(next);
    }
    return restored;
}

} // namespace softdelete::restore
