// Counts for the function stats(), which api/checkup calls. catalog/reader_scope says as whom: a reader whom policies bind is told
// of no row that they hide.
#include "checkup/exact_counts.hpp"

#include "catalog/reader_scope.hpp"
#include "catalog/table_info.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "session/extension_functions.hpp"
#include "sqltext/format.hpp"

namespace softdelete::checkup {

namespace {

using catalog::TableInfo;

std::string make_oldest(const std::string &deleted_at) {
    return sqltext::format("CAST(pg_catalog.min(t.%1%) AS pg_catalog.timestamptz)", deleted_at);
}

void check_may_read(const TableInfo &table, const catalog::ReaderScope &reader) {
    if (reader.may_read()) {
        return;
    }
    if (!pg::has_privilege(table.relation, pg::Privilege::select)) {
        const bool is_archive = !table.archive && !table.is_registered;
        const std::string detail =
            is_archive ? sqltext::format("Its deleted rows are in %1%.", table.name) : "";
        catalog::raise_permission_denied(table, detail.c_str());
    }
    pg::raise(
        {.sqlstate = ERRCODE_FEATURE_NOT_SUPPORTED,
         .message = sqltext::format("cannot count the rows of table %1%", table.title),
         .detail = "A policy, a partition or an index of the table would run code of somebody else as you.",
         .hint = "Count them by a query of your own, with softdelete.visibility = 'all'.",
         .relation = table.relation});
}

pg::Row count(pg::Spi &spi, const TableInfo &table, const std::string &condition, const std::string &time) {
    catalog::ReaderScope reader(spi, table.relation, table.owner);
    check_may_read(table, reader);
    return spi
        .query(sqltext::format("/* softdelete */ SELECT pg_catalog.count(*), %3% FROM %1% AS t%2%",
                               table.name, condition, time))
        .front();
}

} // namespace

Counts count_exactly(Oid relation) {
    pg::call([] { session::check_version(); });
    pg::Spi spi;
    pg::ExactTextScope exact;
    const TableInfo table = catalog::get_soft_table(spi, relation);
    if (table.archive && !table.is_registered) {
        const std::int64_t live = count(spi, table, "", "NULL").number(0);
        const pg::Row archived =
            count(spi, catalog::get_archive(table), "", make_oldest(table.archive->deleted_at));
        return {live, archived.number(0), archived.value(1)};
    }
    const std::int64_t live =
        count(spi, table, sqltext::format(" WHERE t.%1% IS NULL", table.deleted_at), "NULL").number(0);
    const pg::Row deleted = count(spi, table, sqltext::format(" WHERE t.%1% IS NOT NULL", table.deleted_at),
                                  make_oldest(table.deleted_at));
    if (!table.archive) {
        return {live, deleted.number(0), deleted.value(1)};
    }
    // Between the strategies.
    const pg::Row archived =
        count(spi, catalog::get_archive(table), "", make_oldest(table.archive->deleted_at));
    const pg::Row oldest = spi.query("SELECT least($1::pg_catalog.timestamptz, $2::pg_catalog.timestamptz)",
                                     {deleted.value(1), archived.value(1)})
                               .front();
    return {live, deleted.number(0) + archived.number(0), oldest.value(0)};
}

Counts estimate(Oid relation) {
    pg::call([] { session::check_version(); });
    pg::Spi spi;
    const TableInfo table = catalog::get_soft_table(spi, relation);
    const auto rows = spi.query("SELECT s.live_rows, s.deleted_rows FROM softdelete.stats s"
                                " WHERE s.relation = $1::pg_catalog.oid",
                                {table.relation});
    const auto read = [&](std::size_t column) {
        return rows.empty() || rows.front().is_null(column) ? std::nullopt
                                                            : std::optional(rows.front().number(column));
    };
    return {read(0), read(1), std::nullopt};
}

} // namespace softdelete::checkup
