// describe_row() and describe_change() write for people and cut long values; to_json() writes values whole.
#include "history/row_image.hpp"

#include "history/changed_columns.hpp"
#include "pg/row_json.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
}

#include <cstring>

namespace softdelete::history {

namespace {

constexpr int longest_value = 60;

// Did the table have the column then?
bool is_of_time(const HistoryColumn &column, TimestampTz time) {
    return (TIMESTAMP_IS_NOBEGIN(column.since) || column.since <= time)
           && (TIMESTAMP_IS_NOEND(column.until) || time < column.until);
}

RowImage make_image(int capacity) {
    return {0, static_cast<ImageColumn *>(palloc(sizeof(ImageColumn) * static_cast<Size>(Max(capacity, 1))))};
}

bool is_quoted(Oid type) {
    char category = '\0';
    bool is_preferred = false;
    get_type_category_preferred(type, &category, &is_preferred);
    return category != TYPCATEGORY_NUMERIC && category != TYPCATEGORY_BOOLEAN;
}

void append_value(StringInfo text, const ImageColumn &column) {
    if (column.is_null) {
        appendStringInfoString(text, "null");
        return;
    }
    Oid output = InvalidOid;
    bool is_varlena = false;
    getTypeOutputInfo(column.type, &output, &is_varlena);
    char *value = OidOutputFunctionCall(output, column.value);
    int length = static_cast<int>(strlen(value));
    int kept = pg_mbcliplen(value, length, longest_value);
    bool is_cut = kept < length;
    value[kept] = '\0';
    appendStringInfoString(text, is_quoted(column.type) ? quote_literal_cstr(value) : value);
    if (is_cut) {
        appendStringInfoString(text, " ...");
    }
}

const ImageColumn *find_column(const RowImage &image, const char *name) {
    for (int i = 0; i < image.count; i++) {
        if (strcmp(image.columns[i].name, name) == 0) {
            return &image.columns[i];
        }
    }
    return nullptr;
}

const char *separate(const StringInfoData &text) {
    return text.len == 0 ? "" : ", ";
}

// The column of the table or partition that the history's column holds; 0 for none. By name where the history has just ended.
AttrNumber find_source(const TrackedTable *member, const HistoryColumn &column, Relation relation) {
    for (int i = 0; member != nullptr && i < member->column_count; i++) {
        if (member->columns[i].number == column.number) {
            return member->columns[i].source;
        }
    }
    return member == nullptr ? get_attnum(RelationGetRelid(relation), column.name) : InvalidAttrNumber;
}

} // namespace

RowImage read_image(const TrackedTable &table, Relation history, const ReadEntry &entry, TimestampTz time) {
    RowImage image = make_image(table.column_count);
    TupleDesc columns = RelationGetDescr(history);
    Datum values[MaxTupleAttributeNumber];
    bool nulls[MaxTupleAttributeNumber];
    heap_deform_tuple(entry.row, columns, values, nulls);
    for (int i = 0; i < table.column_count; i++) {
        const HistoryColumn &column = table.columns[i];
        if (is_of_time(column, time)) {
            int place = column.number - 1;
            image.columns[image.count++] = {column.name, column.number,
                                            TupleDescAttr(columns, place)->atttypid, values[place],
                                            nulls[place]};
        }
    }
    return image;
}

RowImage read_live_image(const TrackedTable &table, HeapTuple row, Relation relation, TimestampTz time) {
    RowImage image = make_image(table.column_count);
    TupleDesc columns = RelationGetDescr(relation);
    // What is known already holds still; a partition may have its columns in another order.
    const TrackedTable *member = RelationGetRelid(relation) == table.relation
                                     ? &table
                                     : find_tracked_table(RelationGetRelid(relation));
    for (int i = 0; i < table.column_count; i++) {
        const HistoryColumn &column = table.columns[i];
        AttrNumber number = TIMESTAMP_IS_NOEND(column.until) && is_of_time(column, time)
                                ? find_source(member, column, relation)
                                : 0;
        if (number > 0) {
            bool is_null = true;
            Datum value = heap_getattr(row, number, columns, &is_null);
            image.columns[image.count++] = {column.name, column.number,
                                            TupleDescAttr(columns, number - 1)->atttypid, value, is_null};
        }
    }
    return image;
}

Datum to_json(const RowImage &image) {
    auto *columns = static_cast<pg::JsonColumn *>(
        palloc(sizeof(pg::JsonColumn) * static_cast<Size>(Max(image.count, 1))));
    for (int i = 0; i < image.count; i++) {
        const ImageColumn &column = image.columns[i];
        columns[i] = {column.name, column.type, -1, column.value, column.is_null};
    }
    return pg::make_row_json(columns, image.count);
}

char *describe_row(const RowImage &image) {
    StringInfoData text;
    initStringInfo(&text);
    for (int i = 0; i < image.count; i++) {
        const ImageColumn &column = image.columns[i];
        if (!column.is_null) {
            appendStringInfo(&text, "%s%s = ", separate(text), column.name);
            append_value(&text, column);
        }
    }
    return text.data;
}

char *describe_change(const RowImage &old_image, const RowImage *new_image, const bytea *changed) {
    StringInfoData text;
    initStringInfo(&text);
    for (int i = 0; i < old_image.count; i++) {
        const ImageColumn &column = old_image.columns[i];
        if (!is_changed(changed, column.number)) {
            continue;
        }
        appendStringInfo(&text, "%s%s: ", separate(text), column.name);
        append_value(&text, column);
        const ImageColumn *other = new_image == nullptr ? nullptr : find_column(*new_image, column.name);
        if (other != nullptr) {
            appendStringInfoString(&text, " -> ");
            append_value(&text, *other);
        }
    }
    return text.data;
}

} // namespace softdelete::history
