// Counts the rows that a deletion still holds, for the view softdelete.deletions and for undo_preview(). The index on deletion_id is asked at
// the time of asking, so that the count is what undo() would bring back.
#include "deletion/count_deletion.hpp"
#include "sqltext/format.hpp"

#include "catalog/reader_scope.hpp"
#include "deletion/deletion_tables.hpp"
#include "session/distributed_tables.hpp"
#include "sqltext/fragments.hpp"

#include <algorithm>

namespace softdelete::deletion {

namespace {

void add_count(std::vector<TableCount> *counts, Oid relation, const pg::Row &row) {
    if (row.number(1) == 0) {
        return;
    }
    const auto rows = static_cast<std::uint64_t>(row.number(1));
    auto known = std::find_if(counts->begin(), counts->end(),
                              [&](const TableCount &count) { return count.relation == relation; });
    if (known == counts->end()) {
        counts->push_back({relation, row.text(0), rows});
    } else { // in the table as well as in its archive
        known->rows += rows;
    }
}

// Its rows are for those who may read the archive.
void add_archived(pg::Spi &spi, const catalog::TableInfo &table, std::int64_t deletion,
                  std::vector<TableCount> *counts) {
    std::string query = sqltext::format(
        "SELECT pg_catalog.to_json($2::pg_catalog.oid::pg_catalog.regclass::pg_catalog.text), "
        "(SELECT pg_catalog.count(*) FROM %1% AS t WHERE t.deletion_id = $1::pg_catalog.int8)",
        table.archive->name);
    catalog::ReaderScope scope(spi, table.archive->relation, table.owner);
    if (!scope.may_read()) {
        return;
    }
    add_count(counts, table.relation, spi.query(query, {deletion, table.relation}).front());
}

// A row of Citus is in a shard, which is another table on another node.
sqltext::Expression get_part_condition(const catalog::TableInfo &table) {
    bool is_distributed = pg::call([&] { return session::is_distributed(table.relation); });
    return sqltext::Expression(is_distributed ? "CAST($3 AS pg_catalog.oid[]) IS NOT NULL"
                                              : "(t.tableoid = $2::pg_catalog.oid OR t.tableoid <> ALL "
                                                "(CAST($3 AS pg_catalog.oid[])))");
}

} // namespace

std::vector<TableCount> count_rows_of(pg::Spi &spi, std::int64_t deletion) {
    const DeletionTables tables = get_deletion_tables(spi, deletion, DeletionLock::none);
    std::vector<std::string> relations;
    for (const catalog::TableInfo &table : tables.marked) {
        relations.push_back(std::to_string(table.relation));
    }
    std::vector<TableCount> counts;
    for (const catalog::TableInfo &table : tables.marked) {
        // A table counts its children's rows, but for those that are listed themselves.
        std::string query = sqltext::format(
            "SELECT pg_catalog.to_json($2::pg_catalog.oid::pg_catalog.regclass::pg_catalog.text), "
            "(SELECT pg_catalog.count(*) FROM %1% AS t WHERE t.deletion_id = $1::pg_catalog.int8 AND "
            "t.%2% IS NOT NULL AND %3%)",
            table.name, table.deleted_at, get_part_condition(table));
        catalog::ReaderScope scope(spi, table.relation, table.owner);
        if (!scope.may_read()) {
            continue;
        }
        add_count(&counts, table.relation,
                  spi.query(query, {deletion, table.relation, pg::make_array(relations)}).front());
    }
    for (const catalog::TableInfo &table : tables.archived) {
        add_archived(spi, table, deletion, &counts);
    }
    return counts;
}

std::string count_deletion(std::int64_t deletion) {
    pg::Spi spi;
    std::vector<std::string> pairs;
    for (const TableCount &count : count_rows_of(spi, deletion)) {
        pairs.push_back(sqltext::format("%1%: %2%", count.name, count.rows));
    }
    return "{" + sqltext::join(pairs, ", ") + "}";
}

} // namespace softdelete::deletion
