// Asks for all rights that undo() of a deletion needs, before it changes anything. Called by undo(), its preview, and
// conflicts().
#include "restore/undo_rights.hpp"

#include "pg/transactions.hpp"
#include "restore/archived_rows.hpp"
#include "restore/rows_below.hpp"
#include "session/distributed_tables.hpp"

#include <algorithm>

namespace softdelete::restore {

namespace {

using catalog::TableInfo;

void check_others_rows(pg::Spi &spi, const std::vector<TableInfo> &tables, std::int64_t deletion,
                       const CascadedTables &cascaded) {
    std::vector<TableInfo> others;
    std::copy_if(tables.begin(), tables.end(), std::back_inserter(others),
                 [&](const TableInfo &table) { return cascaded.others.contains(table.relation); });
    check_only_below(spi, others, deletion);
}

// Whatever else the caller may do to them himself.
std::set<Oid> find_archives_of_cascade(pg::Spi &spi, const std::vector<TableInfo> &archived,
                                       std::int64_t deletion, const CascadedTables &cascaded) {
    std::set<Oid> found = cascaded.whole;
    for (const TableInfo &table : archived) {
        if (cascaded.in_part.contains(table.relation) && lies_below_deletion(spi, table, deletion)) {
            found.insert(table.relation);
        }
    }
    return found;
}

} // namespace

UndoRights get_undo_rights(pg::Spi &spi, std::int64_t deletion, deletion::DeletionLock lock) {
    UndoRights rights;
    deletion::DeletionTables touched = deletion::get_deletion_tables(spi, deletion, lock);
    rights.tables = std::move(touched.marked);
    rights.archived = std::move(touched.archived);
    const auto distributed =
        std::stable_partition(rights.tables.begin(), rights.tables.end(), [](const TableInfo &table) {
            return !pg::call([&] { return session::is_distributed(table.relation); });
        });
    rights.distributed.assign(distributed, rights.tables.end());
    rights.tables.erase(distributed, rights.tables.end());
    check_may_update(rights.distributed, {});
    std::vector<TableInfo> all = rights.tables;
    all.insert(all.end(), rights.archived.begin(), rights.archived.end());
    rights.cascaded = find_cascaded_tables(spi, all);
    check_may_update(all, rights.cascaded.whole);
    check_others_rows(spi, all, deletion, rights.cascaded);
    rights.cascaded_archives = find_archives_of_cascade(spi, rights.archived, deletion, rights.cascaded);
    check_not_restricted(rights.archived, rights.cascaded_archives);
    return rights;
}

std::optional<std::string> find_missing_right(pg::Spi &spi, std::int64_t deletion) {
    try {
        pg::Subtransaction savepoint;
        (void)get_undo_rights(spi, deletion, deletion::DeletionLock::none);
        savepoint.commit();
    } catch (const pg::ServerError &error) {
        if (error.sqlstate() != ERRCODE_INSUFFICIENT_PRIVILEGE) {
            throw;
        }
        return error.message();
    }
    return std::nullopt;
}

} // namespace softdelete::restore
