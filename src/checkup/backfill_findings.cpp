// An UPDATE that fills a new column sees live rows, as any other. The finding is about columns that came after the registration
// and that tell such a past: all live rows have a value, and so have the rows that were deleted since, if any; those that were
// deleted before have none. Called by checkup/table_findings for a table that is named. Counts in one scan for all columns, and
// shows no value.
#include "checkup/backfill_findings.hpp"

#include "catalog/quoting.hpp"
#include "pg/scopes.hpp"
#include "registration/table_work.hpp"
#include "registry/anonymizers.hpp"
#include "sqltext/format.hpp"

#include <algorithm>

namespace softdelete::checkup {

namespace {

// Those that may have no value in deleted rows, unless it was overwritten there.
std::vector<catalog::Column> find_new_columns(pg::Spi &spi, const catalog::Table &table,
                                              const model::TableSettings &settings) {
    const catalog::Column *mark = table.find_column(registration::deletion_id_column);
    std::vector<catalog::Column> columns;
    if (mark == nullptr || table.find_column(settings.deleted_at) == nullptr) {
        return columns;
    }
    const std::vector<registry::Anonymizer> rules = registry::find_anonymizers(spi, table.oid);
    std::copy_if(table.columns.begin(), table.columns.end(), std::back_inserter(columns),
                 [&](const catalog::Column &column) {
                     return column.number > mark->number && !column.is_not_null && !column.is_generated
                            && column.name != settings.deleted_at && column.name != settings.deleted_by
                            && std::none_of(rules.begin(), rules.end(),
                                            [&](const auto &rule) { return rule.column == column.name; });
                 });
    return columns;
}

std::string make_count(const catalog::Column &column, const sqltext::Identifier &deleted_at) {
    return sqltext::format(
        ", CASE WHEN pg_catalog.count(*) FILTER (WHERE %2% IS NULL AND %1% IS NULL) OPERATOR(pg_catalog.=) 0"
        " AND (pg_catalog.min(%2%) FILTER (WHERE %1% IS NOT NULL) IS NULL"
        " OR pg_catalog.min(%2%) FILTER (WHERE %1% IS NOT NULL)"
        " OPERATOR(pg_catalog.>) pg_catalog.max(%2%) FILTER (WHERE %1% IS NULL))"
        " THEN pg_catalog.count(*) FILTER (WHERE %2% IS NOT NULL AND %1% IS NULL) ELSE 0 END",
        column.quoted, deleted_at);
}

} // namespace

void add_backfill_findings(Findings &findings, pg::Spi &spi, const catalog::Table &table,
                           const registry::Registration &registration) {
    const std::vector<catalog::Column> columns = find_new_columns(spi, table, registration.settings);
    if (columns.empty()) {
        return;
    }
    const sqltext::Identifier deleted_at = catalog::identifier(registration.settings.deleted_at);
    std::string counts;
    for (const catalog::Column &column : columns) {
        counts += make_count(column, deleted_at);
    }
    pg::ReadScope reader(table.owner);
    const pg::Row row =
        spi.query(sqltext::format("/* softdelete */ SELECT pg_catalog.count(*) FILTER (WHERE %2% IS NULL)%3% "
                                  "FROM %1% WHERE softdelete.include_deleted(%2%)",
                                  table.qualified, deleted_at, counts))
            .front();
    for (std::size_t i = 0; row.number(0) > 0 && i < columns.size(); i++) {
        if (const std::int64_t rows = row.number(static_cast<int>(i) + 1); rows > 0) {
            findings.push_back(
                {Severity::notice, "not_backfilled", table.oid, "column " + columns[i].quoted.text(),
                 "every live row has a value in this column, and " + std::to_string(rows)
                     + (rows == 1 ? " row that was deleted before has"
                                  : " rows that were deleted before have")
                     + " none. What filled the column fills them too after SET LOCAL softdelete.visibility = "
                       "'all'",
                 std::nullopt});
        }
    }
}

} // namespace softdelete::checkup
