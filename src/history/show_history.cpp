// Checks who may read, and writes changes (history/row_changes.hpp) as lines of text.
#include "history/show_history.hpp"

#include "history/key_text.hpp"
#include "history/open_history.hpp"
#include "history/row_changes.hpp"
#include "pg/boundary.hpp"
#include "pg/called_settings.hpp"
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

void read_values(const TrackedTable &table, const std::vector<std::string> &key, Datum *values) {
    for (int i = 0; i < table.key_count; i++) {
        values[i] = pg::read_as_caller(
            key[static_cast<std::size_t>(i)], table.key[i].type, get_owner(table),
            "Give the values of the primary key in order, each as its column's type has it.");
    }
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

const char *get_own_text(const OpenHistory &history, const ReadEntry &entry, OwnColumn column) {
    bool is_null = true;
    Datum value = get_own(history, entry, column, &is_null);
    return is_null ? nullptr : TextDatumGetCString(value);
}

const char *write_json(const RowImage *image) {
    return image == nullptr ? nullptr : DatumGetCString(DirectFunctionCall1(jsonb_out, to_json(*image)));
}

const char *write_time(TimestampTz time) {
    return DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(time)));
}

constexpr std::size_t line_columns = 11;

// Text for each of the columns; plain server code.
void write_line(const OpenHistory &history, const RowChange &change, const char **texts) {
    const ReadEntry &entry = *change.entry;
    bool is_null = true;
    Datum changed_value = get_own(history, entry, changed, &is_null);
    const bytea *bits = is_null ? nullptr : DatumGetByteaPP(changed_value);
    Datum deletion = get_own(history, entry, deletion_id, &is_null);
    texts[0] = write_time(entry.at);
    texts[1] = get_kind(entry.kind);
    texts[2] = get_own_text(history, entry, actor);
    texts[3] = bits != nullptr && change.old_image != nullptr
                   ? describe_change(*change.old_image, change.new_image, bits)
                   : describe_row(change.old_image != nullptr ? *change.old_image : *change.new_image);
    texts[4] = get_own_text(history, entry, reason);
    texts[5] = write_time(entry.transaction_at);
    texts[6] = write_time(entry.statement_at);
    texts[7] = psprintf(UINT64_FORMAT, entry.transaction);
    texts[8] = is_null ? nullptr : psprintf(INT64_FORMAT, DatumGetInt64(deletion));
    texts[9] = write_json(change.old_image);
    texts[10] = write_json(change.new_image);
}

// Types of the owner's write their values: as him.
void give(const OpenHistory &history, const RowChange &change, const TakeLine &take) {
    const char *texts[line_columns] = {};
    {
        pg::UserScope owner(get_owner(*history.table()));
        pg::call([&] { write_line(history, change, texts); });
    }
    Line line;
    for (const char *text : texts) {
        line.push_back(text == nullptr ? std::nullopt : std::optional<std::string>(text));
    }
    take(line);
}

// A change to another form of an equal key, such as 1.0 to 1.00: the UPDATE, which is under that key as well, tells of it.
bool is_told(const OpenHistory &history, const ReadEntry &entry, const Datum *key) {
    bool is_null = true;
    Datum other = get_own(history, entry, other_key, &is_null);
    Datum values[INDEX_MAX_KEYS] = {};
    return entry.kind == kind_new_key && !is_null && read_key(*history.table(), other, values)
           && is_same_key(*history.table(), RelationGetDescr(history.relation()), values, key);
}

struct EntryTaker {
    const OpenHistory *history;
    Successors successors;
    const TakeLine *take;
};

void take_entry(const ReadEntry &entry, void *context) {
    auto *taker = static_cast<EntryTaker *>(context);
    if (entry.kind != kind_new_key) { // told by the UPDATE under the former key
        pg::entry([&] {
            RowChange change = {};
            {
                pg::UserScope owner(get_owner(*taker->history->table()));
                pg::call([&] { change = complete_change(*taker->history, entry, &taker->successors); });
            }
            give(*taker->history, change, *taker->take);
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
    Datum row = pg::call([&] { return find_row_at(history, time, values); });
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
    List *entries = NIL;
    {
        pg::UserScope owner(get_owner(*table));
        entries = pg::call([&] { return read_entries(*table, values, DT_NOBEGIN, Extent::all); });
    }
    for (int i = 0; i < list_length(entries); i++) {
        const auto *entry = static_cast<const ReadEntry *>(list_nth(entries, i));
        const auto *next =
            i + 1 < list_length(entries) ? static_cast<const ReadEntry *>(list_nth(entries, i + 1)) : nullptr;
        RowChange change = {};
        bool is_new = false;
        {
            pg::UserScope owner(get_owner(*table));
            pg::call([&] {
                is_new = !is_told(history, *entry, values);
                change = make_change(history, *entry, next, values);
            });
        }
        if (is_new) {
            give(history, change, take);
        }
    }
}

void show_entries(Oid relation, const TakeLine &take) {
    OpenHistory history(relation);
    const TrackedTable *table = history.table();
    if (table == nullptr || !pg::call([&] { return may_read(table->history); })) {
        return;
    }
    EntryTaker taker = {&history, pg::call([] { return make_successors(); }), &take};
    pg::call([&] { read_all_entries(*table, take_entry, &taker); });
}

} // namespace softdelete::history
