// Counts the rows that a deletion still holds, for the view softdelete.deletions. The index on deletion_id is asked at
// the time of asking, so that the count is what undo() would bring back.
#include "deletion/count_deletion.hpp"
#include "sqltext/format.hpp"

#include "catalog/reader_scope.hpp"
#include "deletion/deletion_tables.hpp"

namespace softdelete::deletion {

namespace {

// "name": count, behind what is there; nothing where no row is left.
void add_count(std::string *counts, const pg::Row &row) {
    if (row.number(1) > 0) {
        *counts +=
            sqltext::format("%1%%2%: %3%", (counts->size() == 1 ? "" : ", "), row.text(0), row.text(1));
    }
}

// Its rows are for those who may read the archive.
void add_archived(pg::Spi &spi, const catalog::TableInfo &table, std::int64_t deletion, std::string *counts) {
    std::string query = sqltext::format(
        "SELECT pg_catalog.to_json($2::pg_catalog.oid::pg_catalog.regclass::pg_catalog.text), "
        "(SELECT pg_catalog.count(*) FROM %1% AS t WHERE t.deletion_id = $1::pg_catalog.int8)",
        table.archive->name);
    catalog::ReaderScope scope(spi, table.archive->relation, table.owner);
    if (!scope.may_read()) {
        return;
    }
    add_count(counts, spi.query(query, {deletion, table.relation}).front());
}

} // namespace

std::string count_deletion(std::int64_t deletion) {
    pg::Spi spi;
    std::vector<catalog::TableInfo> tables = get_deletion_tables(spi, deletion, DeletionLock::none);
    std::vector<std::string> relations;
    for (const catalog::TableInfo &table : tables) {
        relations.push_back(std::to_string(table.relation));
    }
    std::string counts = "{";
    for (const catalog::TableInfo &table : tables) {
        // A table counts its children's rows, but for those that are listed themselves.
        std::string query = sqltext::format(
            "SELECT pg_catalog.to_json($2::pg_catalog.oid::pg_catalog.regclass::pg_catalog.text), "
            "(SELECT pg_catalog.count(*) FROM %1% AS t WHERE t.deletion_id = $1::pg_catalog.int8 AND "
            "t.%2% IS NOT NULL AND (t.tableoid = $2::pg_catalog.oid OR t.tableoid <> ALL "
            "(CAST($3 AS pg_catalog.oid[]))))",
            table.name, table.deleted_at);
        catalog::ReaderScope scope(spi, table.relation, table.owner);
        if (!scope.may_read()) {
            continue;
        }
        add_count(&counts, spi.query(query, {deletion, table.relation, pg::make_array(relations)}).front());
    }
    for (const catalog::TableInfo &table : get_archived_tables(spi, deletion)) {
        add_archived(spi, table, deletion, &counts);
    }
    return counts + "}";
}

} // namespace softdelete::deletion
