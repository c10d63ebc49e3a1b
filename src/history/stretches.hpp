// For how long a row had what an entry of its history has: a reference to the same values at another time is one to another row.
#pragma once

#include "catalog/table_info.hpp"
#include "rows/row_set.hpp"

extern "C" {
#include "datatype/timestamp.h"
}

#include <cstdint>
#include <map>

namespace softdelete::history {

// A change of a row, which begins or ends a stretch: when it was recorded, when its transaction began, and which that was.
struct Change {
    TimestampTz at = DT_NOBEGIN;
    TimestampTz transaction_at = DT_NOBEGIN;
    std::uint64_t transaction = 0;
};

struct Stretch {
    Change from; // endless where nothing tells
    Change until = {DT_NOEND, DT_NOEND, 0};
    Change own;                // of the entry itself: the end, or the begin where the row arrives
    rows::RowId entry = {};    // of an archived row: the entry that tells its end
    bool is_end = false;       // of the row, in the table or by a mark
    std::int64_t deletion = 0; // of the end
};

// What each of these entries of the table's history tells. Of a table without a primary key none tells of another.
std::map<rows::RowId, Stretch> read_stretches(pg::Spi &spi, const catalog::TableInfo &table,
                                              const rows::RowSet &entries);

// Of rows in the table's archive, by their place there, with what they came there; those of which the history does not tell are
// left out. Several that one transaction has archived under one key are told apart by their order.
std::map<rows::RowId, Stretch> find_archived_ends(pg::Spi &spi, const catalog::TableInfo &table,
                                                  const rows::RowSet &rows);

// Since when rows of the table have what they have now; those of which the history does not tell are left out.
std::map<rows::RowId, Change> find_last_changes(pg::Spi &spi, const catalog::TableInfo &table,
                                                const rows::RowSet &rows);

} // namespace softdelete::history
