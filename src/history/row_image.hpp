// A row of the past, or of now, with the columns that its table had then: as JSON, and what a change made of it in words.
// Plain server code.
#pragma once

#include "history/read_entries.hpp"
#include "history/tracked_table.hpp"

extern "C" {
#include "lib/stringinfo.h"
#include "utils/relcache.h"
}

namespace softdelete::history {

struct ImageColumn {
    const char *name;
    AttrNumber number; // in the history table
    Oid type;
    Datum value;
    bool is_null;
};

struct RowImage {
    int count;
    ImageColumn *columns;
};

// The row that an entry keeps, with the columns that the table had at that time; DT_NOEND for those of today.
RowImage read_image(const TrackedTable &table, Relation history, const ReadEntry &entry, TimestampTz time);

// A row of today, without the columns that came after that time. relation: the table or partition that it is in.
RowImage read_live_image(const TrackedTable &table, HeapTuple row, Relation relation, TimestampTz time);

Datum to_json(const RowImage &image);

// The columns of an image that are not null, as in: id = 1, name = 'Ann'.
char *describe_row(const RowImage &image);

// What changed: status: 'open' -> 'paid', paid_at: null -> '2026-11-30 ...'. new_image may be null: what became of the
// columns is not known.
char *describe_change(const RowImage &old_image, const RowImage *new_image, const bytea *changed);

} // namespace softdelete::history
