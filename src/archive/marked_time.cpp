// Called by what moves rows between a table and its archive, and by the views that show both meanwhile.
#include "archive/marked_time.hpp"

#include "catalog/quoting.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
}

namespace softdelete::archive {

namespace {

bool lacks_zone(const catalog::Table &table, const std::string &column) {
    return pg::call([&] {
        return getBaseType(get_atttype(table.oid, get_attnum(table.oid, column.c_str()))) == TIMESTAMPOID;
    });
}

} // namespace

std::string make_archived_time(const catalog::Table &table, const ArchiveSettings &settings,
                               const std::string &value) {
    if (!settings.time_zone || !lacks_zone(table, settings.deleted_at)) {
        return sqltext::format("CAST(%1% AS pg_catalog.timestamptz)", value);
    }
    return sqltext::format("pg_catalog.timezone(%1%, CAST(%2% AS pg_catalog.timestamp))",
                           pg::quote_literal(*settings.time_zone), value);
}

std::string make_marked_time(const catalog::Table &table, const ArchiveSettings &settings,
                             const std::string &value) {
    const std::string &type = table.find_column(settings.deleted_at)->type;
    if (!settings.time_zone || !lacks_zone(table, settings.deleted_at)) {
        return sqltext::format("CAST(%1% AS %2%)", value, type);
    }
    return sqltext::format("CAST(pg_catalog.timezone(%1%, %2%) AS %3%)",
                           pg::quote_literal(*settings.time_zone), value, type);
}

void check_times(pg::Spi &spi, const catalog::Table &table, const std::string &deleted_at) {
    if (!lacks_zone(table, deleted_at)) {
        return;
    }
    pg::ReadScope owner(table.owner);
    const std::vector<pg::Row> lost = spi.query(sqltext::format(
        "/* softdelete */ SELECT pg_catalog.current_setting('TimeZone') FROM %1% WHERE %2% IS NOT NULL AND "
        "CAST(CAST(CAST(%2% AS pg_catalog.timestamp) AS pg_catalog.timestamptz) AS pg_catalog.timestamp) "
        "OPERATOR(pg_catalog.<>) CAST(%2% AS pg_catalog.timestamp) LIMIT 1",
        table.qualified, catalog::identifier(deleted_at)));
    if (!lost.empty()) {
        pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   .message =
                       sqltext::format("deleted rows of table \"%1%\" cannot move to an archive", table.name),
                   .detail = sqltext::format(
                       "Column \"%1%\" has no time zone, and times that do not exist in time zone \"%2%\".",
                       deleted_at, lost.front().text(0)),
                   .hint = "Set TimeZone to the one in which sessions write the column, or to UTC.",
                   .relation = table.oid});
    }
}

} // namespace softdelete::archive
