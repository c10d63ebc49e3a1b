// The list of what is collected, by statement, nest level and target. A batch lives in the memory of its (sub)transaction.
#include "rows/collected_rows.hpp"

#include "rows/insert_rows.hpp"
#include "session/running_statements.hpp"
#include "session/utility_commands.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/tupdesc.h"
#include "access/xact.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/rel.h"
}

namespace softdelete::rows {

namespace {

// As COPY has it: more rows or bytes at once gain nothing.
constexpr int rows_per_batch = 1000;
constexpr Size bytes_per_batch = 65536;

struct Collected {
    MemoryContext memory; // of everything here but this
    CollectTarget target;
    int depth; // of the statement among those that run
    int nest_level;
    bool is_being_inserted; // to make a partition is DDL, whose end is that of a statement
    char **own_columns;
    int own_count;
    RowSource *sources;
    int count;
    int capacity;
    Size bytes;
    CollectedRow *rows;
    Collected *next;
};

Collected *collected = nullptr;

void begin_batch(Collected *entry) {
    entry->own_columns = nullptr;
    entry->own_count = 0;
    entry->sources = nullptr;
    entry->count = 0;
    entry->capacity = 0;
    entry->bytes = 0;
    entry->rows = nullptr;
}

Collected *add_entry(const CollectTarget &target, int depth) {
    auto *entry = static_cast<Collected *>(MemoryContextAlloc(CurTransactionContext, sizeof(Collected)));
    entry->memory =
        AllocSetContextCreate(CurTransactionContext, "softdelete collected rows", ALLOCSET_DEFAULT_SIZES);
    entry->target = target;
    entry->depth = depth;
    entry->nest_level = GetCurrentTransactionNestLevel();
    entry->is_being_inserted = false;
    begin_batch(entry);
    // At the end: targets are written in the order in which their first rows came.
    entry->next = nullptr;
    Collected **place = &collected;
    while (*place != nullptr) {
        place = &(*place)->next;
    }
    *place = entry;
    return entry;
}

Collected *get_entry(const CollectTarget &target, int depth) {
    int nest_level = GetCurrentTransactionNestLevel();
    for (Collected *entry = collected; entry != nullptr; entry = entry->next) {
        if (entry->target.table == target.table && entry->depth == depth && entry->nest_level == nest_level
            && !entry->is_being_inserted) {
            return entry;
        }
    }
    return add_entry(target, depth);
}

// A copy: the statement that collects may be through with its tables when the rows are inserted.
const RowSource *get_source(Collected *entry, Relation relation) {
    for (const RowSource *source = entry->sources; source != nullptr; source = source->next) {
        if (source->relation == RelationGetRelid(relation)) {
            return source;
        }
    }
    auto *source = static_cast<RowSource *>(palloc(sizeof(RowSource)));
    source->relation = RelationGetRelid(relation);
    source->name = pstrdup(RelationGetRelationName(relation));
    // With the values that older rows lack (ADD COLUMN ... DEFAULT).
    source->columns = CreateTupleDescCopyConstr(RelationGetDescr(relation));
    source->next = entry->sources;
    entry->sources = source;
    return source;
}

void grow(Collected *entry) {
    int capacity = entry->capacity == 0 ? 4 : Min(entry->capacity * 4, rows_per_batch);
    Size size = sizeof(CollectedRow) * static_cast<Size>(capacity);
    entry->rows =
        static_cast<CollectedRow *>(entry->rows == nullptr ? palloc(size) : repalloc(entry->rows, size));
    entry->capacity = capacity;
}

void name_own_columns(Collected *entry, const OwnValue *values, int count) {
    entry->own_count = count;
    entry->own_columns = static_cast<char **>(palloc(sizeof(char *) * static_cast<Size>(count + 1)));
    for (int i = 0; i < count; i++) {
        entry->own_columns[i] = pstrdup(values[i].column);
    }
}

bool is_equal(const OwnValue &own, Datum value, bool is_null) {
    return own.is_null == is_null && (is_null || datumIsEqual(own.value, value, own.by_value, own.length));
}

// Mostly those of the row before.
bool has_values(const CollectedRow &row, const OwnValue *own, int count) {
    int i = 0;
    while (i < count && is_equal(own[i], row.values[i], row.nulls[i])) {
        i++;
    }
    return i == count;
}

void add_row(Collected *entry, Relation relation, HeapTuple row, const OwnValue *own) {
    if (entry->count == entry->capacity) {
        grow(entry);
    }
    const RowSource *source = get_source(entry, relation);
    entry->bytes += row->t_len;
    const CollectedRow *before = entry->count > 0 ? &entry->rows[entry->count - 1] : nullptr;
    if (before != nullptr && has_values(*before, own, entry->own_count)) {
        entry->rows[entry->count++] = {heap_copytuple(row), source, before->values, before->nulls};
        return;
    }
    Size count = static_cast<Size>(entry->own_count);
    auto *values = static_cast<Datum *>(palloc(sizeof(Datum) * (count + 1)));
    auto *nulls = static_cast<bool *>(palloc(sizeof(bool) * (count + 1)));
    for (Size i = 0; i < count; i++) {
        nulls[i] = own[i].is_null;
        values[i] = own[i].is_null ? 0 : datumCopy(own[i].value, own[i].by_value, own[i].length);
    }
    entry->rows[entry->count++] = {heap_copytuple(row), source, values, nulls};
}

// The entry is empty first: an error ends its nest level with it.
void insert_rows(Collected *entry) {
    RowBatch batch = {entry->target,  entry->own_columns, entry->own_count,
                      entry->sources, entry->rows,        entry->count};
    begin_batch(entry);
    entry->is_being_inserted = true;
    insert_batch(batch);
    entry->is_being_inserted = false;
    MemoryContextReset(entry->memory);
}

void remove_entry(Collected *entry) {
    Collected **place = &collected;
    while (*place != entry) {
        place = &(*place)->next;
    }
    *place = entry->next;
    MemoryContextDelete(entry->memory);
    pfree(entry);
}

// Of a nest level further out there may be rows of a statement that this one, which may be rolled back, runs in.
Collected *find_entry(int depth) {
    int nest_level = GetCurrentTransactionNestLevel();
    Collected *entry = collected;
    while (entry != nullptr
           && (entry->depth != depth || entry->nest_level != nest_level || entry->is_being_inserted)) {
        entry = entry->next;
    }
    return entry;
}

// No partition begins or ends within a day.
bool is_of_same_day(TimestampTz one, TimestampTz other) {
    return one == other || one / USECS_PER_DAY == other / USECS_PER_DAY;
}

} // namespace

void collect_row(const CollectTarget &target, Relation source, HeapTuple row, const OwnValue *values,
                 int count) {
    // Nobody tells when a statement is through that no hook knows.
    bool is_end_known = session::is_statement_finishing() || session::is_writing_command();
    Collected *entry = get_entry(target, is_end_known ? session::running_statement_depth() : 0);
    if (!is_of_same_day(entry->target.time, target.time) && entry->count > 0) {
        insert_rows(entry);
    }
    entry->target.time = target.time;
    MemoryContext caller = MemoryContextSwitchTo(entry->memory);
    if (entry->own_columns == nullptr) {
        name_own_columns(entry, values, count);
    }
    add_row(entry, source, row, values);
    MemoryContextSwitchTo(caller);
    if (!is_end_known || entry->count == rows_per_batch || entry->bytes >= bytes_per_batch) {
        insert_rows(entry);
    }
    if (!is_end_known) {
        remove_entry(entry);
    }
}

void insert_collected_rows() {
    if (collected == nullptr) {
        return;
    }
    int depth = session::running_statement_depth();
    for (Collected *entry = find_entry(depth); entry != nullptr; entry = find_entry(depth)) {
        if (entry->count > 0) {
            insert_rows(entry);
        }
        remove_entry(entry);
    }
}

void check_all_inserted() {
    for (const Collected *entry = collected; entry != nullptr; entry = entry->next) {
        if (entry->count > 0) {
            ereport(ERROR,
                    (errcode(ERRCODE_INTERNAL_ERROR),
                     errmsg("rows of table \"%s\" were not written where they belong", entry->sources->name),
                     errdetail("Nothing was changed."),
                     errhint("Run the transaction again, and report this as a bug.")));
        }
    }
}

void forget_collected_rows(int nest_level) noexcept {
    // Their memory goes with that of the (sub)transaction; nothing here may fail.
    Collected **place = &collected;
    while (*place != nullptr) {
        if ((*place)->nest_level >= nest_level) {
            *place = (*place)->next;
        } else {
            place = &(*place)->next;
        }
    }
}

void keep_collected_rows(int nest_level) noexcept {
    for (Collected *entry = collected; entry != nullptr; entry = entry->next) {
        entry->nest_level = Min(entry->nest_level, nest_level - 1);
    }
}

} // namespace softdelete::rows
