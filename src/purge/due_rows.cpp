// Finds the due rows of one physical table, oldest first, by an SPI cursor that is read as the server has the rows. One
// statement may delete millions of rows at the same now(), so that a place in the scan is a time and the rows seen of
// that time. Called by purge/purge_rows.
#include "purge/due_rows.hpp"
#include "sqltext/format.hpp"

#include "erasure/anonymize_row.hpp"
#include "pg/quote.hpp"
#include "registry/retention.hpp"

#include <algorithm>

extern "C" {
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
}

namespace softdelete::purge {

namespace {

constexpr long fetch_size = 1000;

std::string make_pending(const PurgeTarget &target, const char *alias) {
    return target.anonymizes ? " AND " + erasure::make_pending_condition(alias) : "";
}

Portal open(const std::string &sql, Oid type, Datum *values) {
    Oid types[] = {type, type};
    return pg::call([&] { return pg::open_cursor_pinned(sql.c_str(), 2, types, values); });
}

struct DueRow {
    ItemPointerData position;
    TimestampTz deleted_at;
};

// A row of the portion that the cursor fetched.
DueRow read_row(std::uint64_t number) {
    return pg::call([&] {
        bool is_null = false;
        HeapTuple row = SPI_tuptable->vals[number];
        Datum position = SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &is_null);
        return DueRow{*reinterpret_cast<const ItemPointerData *>(DatumGetPointer(position)),
                      DatumGetTimestampTz(SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &is_null))};
    });
}

} // namespace

Oid get_comparable_type(const PurgeTarget &target) {
    return target.has_zone ? TIMESTAMPTZOID : TIMESTAMPOID;
}

Datum get_comparable(const PurgeTarget &target, TimestampTz cutoff) {
    return TimestampTzGetDatum(target.has_zone ? cutoff : registry::get_passed_everywhere(cutoff));
}

std::string make_due_condition(const PurgeTarget &target, const char *alias, TimestampTz cutoff) {
    std::string text = pg::write_time(DatumGetTimestampTz(get_comparable(target, cutoff)));
    const sqltext::Pattern form = target.has_zone
                                      ? sqltext::Pattern("%1%.%2% < '%3%'::pg_catalog.timestamptz")
                                      : sqltext::Pattern("%1%.%2% < '%3%'::pg_catalog.timestamp");
    return sqltext::format(form, alias, target.deleted_at, text) + make_pending(target, alias);
}

std::uint64_t count_due(const PurgeTarget &target, TimestampTz cutoff) {
    std::string sql = sqltext::format(
        "/* softdelete purge */ SELECT pg_catalog.count(*) FROM ONLY %1% AS p WHERE p.%2% < $1%3%",
        target.name, target.deleted_at, make_pending(target, "p"));
    return pg::call([&] {
        Oid type = get_comparable_type(target);
        Datum value = get_comparable(target, cutoff);
        (void)pg::execute_pinned(sql.c_str(), 1, &type, &value);
        bool is_null = false;
        Datum count = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
        return static_cast<std::uint64_t>(DatumGetInt64(count));
    });
}

DueScan::DueScan(const PurgeTarget &target, bool newest_first)
    : target_(target)
    , last_(newest_first ? DT_NOEND : DT_NOBEGIN) {
    sql_ = sqltext::format("/* softdelete purge */ SELECT p.ctid, p.%2% FROM ONLY %1% AS p WHERE p.%2% < $1 "
                           "AND p.%2% %3% $2%5% ORDER BY p.%2%%4%",
                           target.name, target.deleted_at, (newest_first ? "<=" : ">="),
                           (newest_first ? " DESC" : ""), make_pending(target, "p"));
}

bool DueScan::is_new(TimestampTz time, const ItemPointerData &row) {
    if (time != last_) {
        last_ = time;
        seen_before_.clear();
        seen_now_.clear();
    }
    Place place = (static_cast<Place>(ItemPointerGetBlockNumberNoCheck(&row)) << 16)
                  | ItemPointerGetOffsetNumberNoCheck(&row);
    if (std::binary_search(seen_before_.begin(), seen_before_.end(), place)) {
        return false;
    }
    seen_now_.push_back(place);
    return true;
}

Positions DueScan::next(TimestampTz cutoff, std::size_t limit) {
    Positions found;
    Datum values[] = {get_comparable(target_, cutoff), TimestampTzGetDatum(last_)};
    Portal portal = open(sql_, get_comparable_type(target_), values);
    for (bool is_more = true; is_more && found.size() < limit;) {
        pg::call([&] { SPI_cursor_fetch(portal, true, fetch_size); });
        is_more = SPI_processed == fetch_size;
        for (std::uint64_t i = 0; i < SPI_processed && found.size() < limit; i++) {
            DueRow row = read_row(i);
            if (is_new(row.deleted_at, row.position)) {
                found.push_back(row.position);
            }
        }
        pg::call([] { SPI_freetuptable(SPI_tuptable); });
    }
    pg::call([&] { SPI_cursor_close(portal); });
    std::size_t before = seen_before_.size();
    std::sort(seen_now_.begin(), seen_now_.end());
    seen_before_.insert(seen_before_.end(), seen_now_.begin(), seen_now_.end());
    std::inplace_merge(seen_before_.begin(), seen_before_.begin() + static_cast<std::ptrdiff_t>(before),
                       seen_before_.end());
    seen_now_.clear();
    return found;
}

Datum make_positions(const ItemPointerData *rows, std::size_t count) {
    Datum *values = static_cast<Datum *>(palloc(sizeof(Datum) * Max(count, 1)));
    for (std::size_t i = 0; i < count; i++) {
        values[i] = PointerGetDatum(rows + i);
    }
    ArrayType *array = construct_array(values, static_cast<int>(count), TIDOID, sizeof(ItemPointerData),
                                       false, TYPALIGN_SHORT);
    pfree(values);
    return PointerGetDatum(array);
}

} // namespace softdelete::purge
