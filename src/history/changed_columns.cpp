// Compares values as they are stored: two values that an operator calls equal may look different (1.0 and 1.00).
#include "history/changed_columns.hpp"

#include "history/own_columns.hpp"

extern "C" {
#include "access/htup_details.h"
#include "utils/datum.h"
}

#include <cstring>

namespace softdelete::history {

namespace {

// A value that stayed where it is, outside of the row, need not be read.
bool is_same_place(Datum one, Datum other) {
    const auto *a = reinterpret_cast<const char *>(DatumGetPointer(one));
    const auto *b = reinterpret_cast<const char *>(DatumGetPointer(other));
    return VARATT_IS_EXTERNAL_ONDISK(a) && VARATT_IS_EXTERNAL_ONDISK(b)
           && memcmp(a, b, VARSIZE_EXTERNAL(a)) == 0;
}

bool is_same(const FormData_pg_attribute *column, Datum one, bool one_is_null, Datum other,
             bool other_is_null) {
    if (one_is_null || other_is_null) {
        return one_is_null == other_is_null;
    }
    if (column->attlen == -1 && is_same_place(one, other)) {
        return true;
    }
    return datum_image_eq(one, other, column->attbyval, column->attlen);
}

int get_bit(AttrNumber number) {
    return number - own_column_count - 1;
}

struct Bits {
    unsigned char bits[MaxTupleAttributeNumber / 8 + 1];
    int bytes;

    void add(AttrNumber number) {
        int bit = get_bit(number);
        bits[bit / 8] = static_cast<unsigned char>(bits[bit / 8] | (1 << (bit % 8)));
        bytes = Max(bytes, bit / 8 + 1);
    }

    bytea *copy() const {
        auto size = static_cast<Size>(bytes);
        auto *changed = static_cast<bytea *>(palloc(VARHDRSZ + size));
        SET_VARSIZE(changed, VARHDRSZ + size);
        memcpy(VARDATA(changed), bits, size);
        return changed;
    }
};

} // namespace

bytea *find_changed_columns(const TrackedTable &table, HeapTuple old_row, TupleDesc old_columns,
                            const TrackedTable &new_table, HeapTuple new_row, TupleDesc new_columns) {
    Datum old_values[MaxTupleAttributeNumber];
    Datum new_values[MaxTupleAttributeNumber];
    bool old_nulls[MaxTupleAttributeNumber];
    bool new_nulls[MaxTupleAttributeNumber];
    heap_deform_tuple(old_row, old_columns, old_values, old_nulls);
    heap_deform_tuple(new_row, new_columns, new_values, new_nulls);
    Bits bits = {};
    for (int i = 0; i < table.column_count; i++) {
        const HistoryColumn &column = table.columns[i];
        AttrNumber new_source = new_table.columns[i].source;
        if (column.source != 0 && new_source != 0
            && !is_same(TupleDescAttr(old_columns, column.source - 1), old_values[column.source - 1],
                        old_nulls[column.source - 1], new_values[new_source - 1],
                        new_nulls[new_source - 1])) {
            bits.add(column.number);
        }
    }
    return bits.copy();
}

bytea *make_changed_columns(const TrackedTable &table, List *columns) {
    Bits bits = {};
    for (int i = 0; i < table.column_count; i++) {
        if (table.columns[i].source != 0 && list_member_int(columns, table.columns[i].source)) {
            bits.add(table.columns[i].number);
        }
    }
    return bits.copy();
}

bool is_changed(const bytea *changed, AttrNumber number) {
    int bit = get_bit(number);
    if (changed == nullptr || bit < 0 || static_cast<Size>(bit / 8) >= VARSIZE_ANY_EXHDR(changed)) {
        return false;
    }
    const auto *bits = reinterpret_cast<const unsigned char *>(VARDATA_ANY(changed));
    return (bits[bit / 8] & (1 << (bit % 8))) != 0;
}

List *find_kept_columns(const TrackedTable &table, const List *columns) {
    List *kept = NIL;
    for (int i = 0; i < table.column_count; i++) {
        if (table.columns[i].source != 0 && list_member_int(columns, table.columns[i].source)) {
            kept = lappend_int(kept, table.columns[i].source);
        }
    }
    return kept;
}

} // namespace softdelete::history
