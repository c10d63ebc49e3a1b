// Called by purge/archive_run, which removes the rows, and by purge/purge_archive, which asks whether there are any.
#include "purge/archived_due.hpp"

#include "erasure/anonymize_row.hpp"
#include "pg/scopes.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "catalog/pg_type.h"
}

namespace softdelete::purge {

namespace {

using catalog::TableInfo;

// Read once, not row by row.
pg::Parameter as_time(const std::string &cutoff) {
    return {cutoff, TIMESTAMPTZOID};
}

} // namespace

std::string make_archived_pending(pg::Spi &spi, const TableInfo &table) {
    return erasure::anonymizes_archive(spi, table.relation) ? erasure::make_pending_condition("a") : "true";
}

std::optional<std::string> read_archive_cutoff(pg::Spi &spi, Oid relation) {
    pg::UserScope owner(pg::get_extension_owner());
    pg::ExactTextScope exact;
    auto rows = spi.query("SELECT pg_catalog.now() - retention FROM softdelete_internal.archive WHERE "
                          "relation = $1::pg_catalog.oid AND retention IS NOT NULL",
                          {relation});
    return rows.empty() ? std::nullopt : std::optional(rows.front().text(0));
}

std::uint64_t count_archived_due(pg::Spi &spi, const TableInfo &table, const std::string &cutoff) {
    pg::ReadScope scope(table.owner);
    return static_cast<std::uint64_t>(
        spi.query(sqltext::format("SELECT pg_catalog.count(*) FROM %1% AS a WHERE a.%2% < "
                                  "$1::pg_catalog.timestamptz AND %3%",
                                  table.archive->name, table.archive->deleted_at,
                                  make_archived_pending(spi, table)),
                  {as_time(cutoff)})
            .front()
            .number(0));
}

bool has_archived_due(pg::Spi &spi, const TableInfo &table, const std::string &archive,
                      const std::string &cutoff) {
    pg::ReadScope scope(table.owner);
    return spi
        .query(sqltext::format("SELECT EXISTS (SELECT FROM %1% AS a WHERE a.%2% < "
                               "$1::pg_catalog.timestamptz AND %3%)",
                               archive, table.archive->deleted_at, make_archived_pending(spi, table)),
               {as_time(cutoff)})
        .front()
        .boolean(0);
}

} // namespace softdelete::purge
