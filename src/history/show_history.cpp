// An UPDATE's entry has the row before it; the row after it is what the next entry has, or the live row.
#include "history/show_history.hpp"

#include "history/key_text.hpp"
#include "history/open_history.hpp"
#include "history/row_image.hpp"
#include "pg/boundary.hpp"
#include "pg/compat.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/table.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/timestamp.h"
}

namespace softdelete::history {

namespace {

// The whole of it: a part of the columns, or of the rows, is not enough to be told what became of a row.
bool may_read(Oid history) {
    return pg::compat::may_select(history, GetUserId())
           && check_enable_rls(history, InvalidOid, true) != RLS_ENABLED;
}

void check_readable(Oid relation, const TrackedTable *table) {
    if (table == nullptr) {
        const char *name = get_rel_name(relation);
        if (name == nullptr) {
            ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                            errmsg("relation with OID %u does not exist", relation),
                            errhint("Name a table, as in 'public.orders'.")));
        }
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("table \"%s\" has no history", name),
                        errhint("Its owner begins one with softdelete.track_history().")));
    }
    if (!may_read(table->history)) {
        ereport(ERROR,
                (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                 errmsg("permission denied for the history of table %s", get_rel_name(relation)),
                 errdetail("It shows what the table's privileges and policies hide."),
                 errhint("Its owner can GRANT SELECT ON %s.",
                         quote_qualified_identifier(get_namespace_name(get_rel_namespace(table->history)),
                                                    get_rel_name(table->history)))));
    }
}

void check_key(const TrackedTable &table, std::size_t values) {
    const char *name = get_rel_name(table.root);
    if (table.key_count == 0) {
        ereport(ERROR,
                (errcode(ERRCODE_INVALID_COLUMN_REFERENCE), errmsg("table \"%s\" has no primary key", name),
                 errhint("Give it one, or look into the history table itself.")));
    }
    if (static_cast<std::size_t>(table.key_count) != values) {
        ereport(ERROR,
                (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                 errmsg_plural("the primary key of table \"%s\" has %d column, but %d values were given",
                               "the primary key of table \"%s\" has %d columns, but %d values were given",
                               static_cast<unsigned long>(table.key_count), name, table.key_count,
                               static_cast<int>(values)),
                 errhint("Give the values of the primary key in order.")));
    }
}

// Types of the table's owner may run code of his when their values are read and written: as him, and as nobody else.
Oid get_owner(const TrackedTable &table) {
    return pg::call([&] { return pg::get_owner(table.root); });
}

// Key values come as text in the formats of pg::ExactTextScope (api/key_arguments.hpp).
void read_values(const TrackedTable &table, const std::vector<std::string> &key, Datum *values) {
    pg::UserScope owner(get_owner(table));
    pg::ExactTextScope exact;
    pg::call([&] {
        for (int i = 0; i < table.key_count; i++) {
            values[i] = read_key_value(table.key[i], key[static_cast<std::size_t>(i)].c_str());
        }
    });
}

void check_time(const TrackedTable &table, TimestampTz time) {
    if (time < table.begins_at) {
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("the history of table \"%s\" does not reach back to %s",
                               get_rel_name(table.root), pstrdup(timestamptz_to_str(time))),
                        errdetail("It begins at %s.", pstrdup(timestamptz_to_str(table.begins_at))),
                        errhint("softdelete.history_of() shows the entries that there are.")));
    }
}

// The row as an entry has it, or as it is now where entry is null, with the columns of that time; a null image where there is
// none.
const RowImage *get_image(const TrackedTable &table, const ReadEntry *entry, const Datum *values,
                          TimestampTz time) {
    auto *image = static_cast<RowImage *>(palloc(sizeof(RowImage)));
    if (entry != nullptr) {
        Relation history = table_open(table.history, AccessShareLock);
        *image = read_image(table, history, *entry, time);
        table_close(history, AccessShareLock);
        return image;
    }
    Relation relation = nullptr;
    HeapTuple row = find_live_row(table, values, &relation);
    if (row == nullptr) {
        return nullptr;
    }
    *image = read_live_image(table, row, relation, time);
    table_close(relation, AccessShareLock);
    return image;
}

Datum find_row_at(const TrackedTable &table, TimestampTz time, const Datum *values) {
    List *entries = read_entries(table, values, time, true);
    const auto *entry = entries == NIL ? nullptr : static_cast<const ReadEntry *>(linitial(entries));
    if (entry != nullptr && !has_old_row(*entry)) {
        return 0; // it came later
    }
    const RowImage *image = get_image(table, entry, values, time);
    return image == nullptr ? 0 : to_json(*image);
}

const char *get_kind(Kind kind) {
    switch (kind) {
    case kind_insert:
        return "INSERT";
    case kind_update:
    case kind_new_key:
        return "UPDATE";
    case kind_delete:
        return "DELETE";
    case kind_truncate:
        return "TRUNCATE";
    case kind_soft_delete:
        return "SOFT DELETE";
    case kind_restore:
        return "RESTORE";
    case kind_purge:
        return "PURGE";
    case kind_alter:
        return "ALTER TABLE";
    }
    return "?";
}

bool keeps_row(Kind kind) {
    return kind == kind_update || kind == kind_soft_delete || kind == kind_restore || kind == kind_alter;
}

// What the history table itself has in one of its own columns.
Datum get_own(const TrackedTable &table, const ReadEntry &entry, OwnColumn column, bool *is_null) {
    Relation history = table_open(table.history, AccessShareLock);
    Datum value = heap_getattr(entry.row, column + 1, RelationGetDescr(history), is_null);
    table_close(history, AccessShareLock);
    return value;
}

const char *get_own_text(const TrackedTable &table, const ReadEntry &entry, OwnColumn column) {
    bool is_null = true;
    Datum value = get_own(table, entry, column, &is_null);
    return is_null ? nullptr : TextDatumGetCString(value);
}

const char *write_json(const RowImage *image) {
    return image == nullptr ? nullptr : DatumGetCString(DirectFunctionCall1(jsonb_out, to_json(*image)));
}

const char *write_time(TimestampTz time) {
    return DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(time)));
}

// A change with the row on both of its sides, where there is one.
struct Change {
    const ReadEntry *entry;
    const RowImage *old_image;
    const RowImage *new_image;
};

constexpr std::size_t line_columns = 11;

// Text for each of the columns; plain server code.
void write_line(const TrackedTable &table, const Change &change, const char **texts) {
    const ReadEntry &entry = *change.entry;
    bool is_null = true;
    Datum changed_value = get_own(table, entry, changed, &is_null);
    const bytea *bits = is_null ? nullptr : DatumGetByteaPP(changed_value);
    Datum deletion = get_own(table, entry, deletion_id, &is_null);
    texts[0] = write_time(entry.at);
    texts[1] = get_kind(entry.kind);
    texts[2] = get_own_text(table, entry, actor);
    texts[3] = bits != nullptr && change.old_image != nullptr
                   ? describe_change(*change.old_image, change.new_image, bits)
                   : describe_row(change.old_image != nullptr ? *change.old_image : *change.new_image);
    texts[4] = get_own_text(table, entry, reason);
    texts[5] = write_time(entry.transaction_at);
    texts[6] = write_time(entry.statement_at);
    texts[7] = psprintf(UINT64_FORMAT, entry.transaction);
    texts[8] = is_null ? nullptr : psprintf(INT64_FORMAT, DatumGetInt64(deletion));
    texts[9] = write_json(change.old_image);
    texts[10] = write_json(change.new_image);
}

void give(const TrackedTable &table, const Change &change, const TakeLine &take) {
    const char *texts[line_columns] = {};
    {
        pg::UserScope owner(get_owner(table));
        pg::call([&] { write_line(table, change, texts); });
    }
    Line line;
    for (const char *text : texts) {
        line.push_back(text == nullptr ? std::nullopt : std::optional<std::string>(text));
    }
    take(line);
}

// The entry under the other key that a change of the key has as well; null where it is gone.
const ReadEntry *find_counterpart(const TrackedTable &table, const ReadEntry &entry) {
    bool is_null = true;
    Datum other = get_own(table, entry, other_key, &is_null);
    if (is_null) {
        return nullptr;
    }
    Datum values[INDEX_MAX_KEYS] = {};
    read_key(table, other, values);
    ListCell *cell;
    foreach (cell, read_entries(table, values, DT_NOBEGIN, false)) {
        const auto *found = static_cast<const ReadEntry *>(lfirst(cell));
        bool is_arrival = found->kind == kind_new_key;
        if (found->transaction == entry.transaction && found->command == entry.command
            && is_arrival != (entry.kind == kind_new_key)) {
            return found;
        }
    }
    return nullptr;
}

// The row after an entry that has the row before it. next: the entry that follows; null for none.
const RowImage *get_new_image(const TrackedTable &table, const ReadEntry &entry, const ReadEntry *next,
                              const Datum *values) {
    if (!keeps_row(entry.kind)) {
        return nullptr;
    }
    bool is_null = true;
    (void)get_own(table, entry, other_key, &is_null);
    if (!is_null) { // it went on under another key
        const ReadEntry *arrival = find_counterpart(table, entry);
        return arrival == nullptr ? nullptr : get_image(table, arrival, nullptr, entry.at);
    }
    if (next != nullptr && !has_old_row(*next)) {
        return nullptr; // entries between are gone
    }
    // Of ALTER TABLE: the columns that it leaves.
    TimestampTz time = entry.kind != kind_alter ? entry.at : next == nullptr ? DT_NOEND : next->at;
    return get_image(table, next, values, time);
}

Change make_change(const TrackedTable &table, const ReadEntry &entry, const ReadEntry *next,
                   const Datum *values) {
    const RowImage *image = get_image(table, &entry, nullptr, entry.at);
    if (entry.kind == kind_new_key) {
        const ReadEntry *departure = find_counterpart(table, entry);
        return {&entry, departure == nullptr ? nullptr : get_image(table, departure, nullptr, entry.at),
                image};
    }
    if (entry.kind == kind_insert) {
        return {&entry, nullptr, image};
    }
    return {&entry, image, get_new_image(table, entry, next, values)};
}

// The values of the key that the entry's row has; false where the history has not all of them.
bool read_entry_key(const TrackedTable &table, const ReadEntry &entry, Datum *values) {
    Relation history = table_open(table.history, AccessShareLock);
    bool is_complete = table.key_count > 0;
    for (int i = 0; i < table.key_count && is_complete; i++) {
        bool is_null = true;
        AttrNumber number = table.key[i].number;
        values[i] = number == 0 ? 0 : heap_getattr(entry.row, number, RelationGetDescr(history), &is_null);
        is_complete = !is_null;
    }
    table_close(history, AccessShareLock);
    return is_complete;
}

// The entry of the same row that follows; null for none.
const ReadEntry *find_next(const TrackedTable &table, const ReadEntry &entry, const Datum *values) {
    bool is_passed = false;
    ListCell *cell;
    foreach (cell, read_entries(table, values, entry.transaction_at - 1, false)) {
        const auto *other = static_cast<const ReadEntry *>(lfirst(cell));
        if (is_passed) {
            return other;
        }
        is_passed = other->partition == entry.partition
                    && ItemPointerCompare(const_cast<ItemPointer>(&other->position),
                                          const_cast<ItemPointer>(&entry.position))
                           == 0;
    }
    return nullptr;
}

Change complete(const TrackedTable &table, const ReadEntry &entry) {
    Datum values[INDEX_MAX_KEYS] = {};
    bool has_key = keeps_row(entry.kind) && read_entry_key(table, entry, values);
    if (keeps_row(entry.kind) && !has_key) {
        return {&entry, get_image(table, &entry, nullptr, entry.at), nullptr};
    }
    return make_change(table, entry, has_key ? find_next(table, entry, values) : nullptr, values);
}

struct EntryTaker {
    const TrackedTable *table;
    const TakeLine *take;
};

void take_entry(const ReadEntry &entry, void *context) {
    const auto *taker = static_cast<const EntryTaker *>(context);
    if (entry.kind != kind_new_key) { // told by the UPDATE under the former key
        pg::entry([&] {
            Change change = {};
            {
                pg::UserScope owner(get_owner(*taker->table));
                pg::call([&] { change = complete(*taker->table, entry); });
            }
            give(*taker->table, change, *taker->take);
        });
    }
}

} // namespace

std::optional<Datum> show_row_at(Oid relation, TimestampTz time, const std::vector<std::string> &key) {
    OpenHistory history(relation);
    const TrackedTable *table = history.table();
    pg::call([&] {
        check_readable(relation, table);
        check_key(*table, key.size());
        check_time(*table, time);
    });
    Datum values[INDEX_MAX_KEYS] = {};
    read_values(*table, key, values);
    pg::UserScope owner(get_owner(*table));
    Datum row = pg::call([&] { return find_row_at(*table, time, values); });
    return row == 0 ? std::nullopt : std::optional(row);
}

void show_life(Oid relation, const std::vector<std::string> &key, const TakeLine &take) {
    OpenHistory history(relation);
    const TrackedTable *table = history.table();
    pg::call([&] {
        check_readable(relation, table);
        check_key(*table, key.size());
    });
    Datum values[INDEX_MAX_KEYS] = {};
    read_values(*table, key, values);
    List *entries = pg::call([&] { return read_entries(*table, values, DT_NOBEGIN, false); });
    for (int i = 0; i < list_length(entries); i++) {
        const auto *entry = static_cast<const ReadEntry *>(list_nth(entries, i));
        const auto *next =
            i + 1 < list_length(entries) ? static_cast<const ReadEntry *>(list_nth(entries, i + 1)) : nullptr;
        Change change = {};
        {
            pg::UserScope owner(get_owner(*table));
            pg::call([&] { change = make_change(*table, *entry, next, values); });
        }
        give(*table, change, take);
    }
}

void show_entries(Oid relation, const TakeLine &take) {
    OpenHistory history(relation);
    const TrackedTable *table = history.table();
    if (table == nullptr || !pg::call([&] { return may_read(table->history); })) {
        return;
    }
    EntryTaker taker = {table, &take};
    pg::call([&] { read_all_entries(*table, take_entry, &taker); });
}

} // namespace softdelete::history
