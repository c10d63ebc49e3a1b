// Inserts as COPY does (CopyMultiInsertBufferFlush() in src/backend/commands/copyfrom.c), with three differences: all rows
// go to one partition, which is known, the table's triggers and constraints are not asked, and functions in its indexes run
// as its owner, whoever writes.
#include "rows/insert_rows.hpp"

#include "pg/scopes.hpp"
#include "rows/time_partitions.hpp"

extern "C" {
#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
}

#include <cstring>

namespace softdelete::rows {

namespace {

// For each column of the partition: the number of the source's column, counted from 1; below 0 the number of an own value,
// counted from -1; 0 for neither.
struct Mapping {
    const RowSource *source;
    int *from;
    Datum *values; // of one row of the source
    bool *nulls;
    Mapping *next;
};

struct Insertion {
    Relation partition;
    ResultRelInfo *result;
    EState *state;
    TupleTableSlot **slots;
    Mapping *mappings;
    pg::Acting owner; // acts
};

int find_column(TupleDesc columns, const char *name, int first_guess) {
    for (int step = -1; step < columns->natts; step++) {
        int i = step < 0 ? first_guess : step;
        if (i < columns->natts && !TupleDescAttr(columns, i)->attisdropped
            && strcmp(NameStr(TupleDescAttr(columns, i)->attname), name) == 0) {
            return i;
        }
    }
    return -1;
}

int find_own(const RowBatch &batch, const char *name) {
    for (int i = 0; i < batch.own_count; i++) {
        if (strcmp(batch.own_columns[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

void check_type(const RowSource *source, const FormData_pg_attribute *column, Relation partition,
                const FormData_pg_attribute *target) {
    // A target may have the type under a domain, whose constraints say nothing of rows of the past.
    if (column->atttypid != target->atttypid && getBaseType(column->atttypid) != target->atttypid) {
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                        errmsg("column \"%s\" is of type %s in table \"%s\" and of type %s in \"%s\"",
                               NameStr(column->attname), format_type_be(column->atttypid), source->name,
                               format_type_be(target->atttypid), RelationGetRelationName(partition)),
                        errhint("Run SELECT * FROM softdelete.repair(), of table \"%s\".", source->name)));
    }
}

void check_all_mapped(const RowBatch &batch, const RowSource *source, Relation partition) {
    for (int i = 0; batch.target.takes_all_columns && i < source->columns->natts; i++) {
        const FormData_pg_attribute *column = TupleDescAttr(source->columns, i);
        if (!column->attisdropped
            && find_column(RelationGetDescr(partition), NameStr(column->attname), i) < 0) {
            ereport(ERROR,
                    (errcode(ERRCODE_UNDEFINED_COLUMN),
                     errmsg("column \"%s\" of table \"%s\" is missing in \"%s\"", NameStr(column->attname),
                            source->name, RelationGetRelationName(partition)),
                     errhint("Run SELECT * FROM softdelete.repair(), of table \"%s\".", source->name)));
        }
    }
}

Mapping *map_source(const RowBatch &batch, const RowSource *source, Relation partition) {
    TupleDesc targets = RelationGetDescr(partition);
    auto *mapping = static_cast<Mapping *>(palloc0(sizeof(Mapping)));
    mapping->source = source;
    mapping->from = static_cast<int *>(palloc0(sizeof(int) * static_cast<Size>(targets->natts)));
    mapping->values = static_cast<Datum *>(palloc(sizeof(Datum) * static_cast<Size>(source->columns->natts)));
    mapping->nulls = static_cast<bool *>(palloc(sizeof(bool) * static_cast<Size>(source->columns->natts)));
    int found = 0;
    for (int i = 0; i < targets->natts; i++) {
        const FormData_pg_attribute *target = TupleDescAttr(targets, i);
        if (target->attisdropped) {
            continue;
        }
        int own = find_own(batch, NameStr(target->attname));
        int column = own >= 0 ? -1 : find_column(source->columns, NameStr(target->attname), i);
        if (own >= 0) {
            mapping->from[i] = -1 - own;
            found++;
        } else if (column >= 0) {
            check_type(source, TupleDescAttr(source->columns, column), partition, target);
            mapping->from[i] = column + 1;
        }
    }
    if (found < batch.own_count) {
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                        errmsg("a column of softdelete's own is missing in \"%s\"",
                               RelationGetRelationName(partition)),
                        errhint("Give the column its name back.")));
    }
    check_all_mapped(batch, source, partition);
    return mapping;
}

Mapping *get_mapping(const RowBatch &batch, Insertion *insertion, const RowSource *source) {
    for (Mapping *mapping = insertion->mappings; mapping != nullptr; mapping = mapping->next) {
        if (mapping->source == source) {
            return mapping;
        }
    }
    Mapping *mapping = map_source(batch, source, insertion->partition);
    mapping->next = insertion->mappings;
    insertion->mappings = mapping;
    return mapping;
}

// The values stay where the collected tuple has them.
void fill_slot(TupleTableSlot *slot, const Mapping *mapping, const CollectedRow &row) {
    heap_deform_tuple(row.tuple, mapping->source->columns, mapping->values, mapping->nulls);
    ExecClearTuple(slot);
    for (int i = 0; i < slot->tts_tupleDescriptor->natts; i++) {
        int from = mapping->from[i];
        if (from > 0) {
            slot->tts_values[i] = mapping->values[from - 1];
            slot->tts_isnull[i] = mapping->nulls[from - 1];
        } else {
            slot->tts_values[i] = from < 0 ? row.values[-1 - from] : 0;
            slot->tts_isnull[i] = from < 0 ? row.nulls[-1 - from] : true;
        }
    }
    ExecStoreVirtualTuple(slot);
}

// Whether the row belongs into a partial index.
bool is_in_index(IndexInfo *index, EState *state) {
    if (index->ii_Predicate == NIL) {
        return true;
    }
    if (index->ii_PredicateState == nullptr) {
        index->ii_PredicateState = ExecPrepareQual(index->ii_Predicate, state);
    }
    return ExecQual(index->ii_PredicateState, GetPerTupleExprContext(state));
}

// Into one index after the other: each has its pages at hand then.
void insert_into_index(const Insertion &insertion, int number, int count) {
    Relation index = insertion.result->ri_IndexRelationDescs[number];
    IndexInfo *info = insertion.result->ri_IndexRelationInfo[number];
    if (info->ii_ExclusionOps != nullptr) {
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("index \"%s\" is of an exclusion constraint, which is not supported here",
                               RelationGetRelationName(index)),
                        errhint("Drop the constraint.")));
    }
    for (int i = 0; info->ii_ReadyForInserts && i < count; i++) {
        TupleTableSlot *slot = insertion.slots[i];
        GetPerTupleExprContext(insertion.state)->ecxt_scantuple = slot;
        if (is_in_index(info, insertion.state)) {
            Datum keys[INDEX_MAX_KEYS];
            bool nulls[INDEX_MAX_KEYS];
            FormIndexDatum(info, slot, insertion.state, keys, nulls);
            index_insert(index, keys, nulls, &slot->tts_tid, insertion.partition,
                         info->ii_Unique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO, false, info);
        }
        ResetPerTupleExprContext(insertion.state);
    }
}

void open_partition(const RowBatch &batch, Insertion *insertion) {
    TimestampTz time = batch.target.time != 0 ? batch.target.time : GetCurrentTransactionStartTimestamp();
    Oid partition = get_time_partition(batch.target.table, time);
    insertion->partition = table_open(partition, RowExclusiveLock);
    insertion->owner = pg::begin_acting(insertion->partition->rd_rel->relowner);
    insertion->state = CreateExecutorState();
    insertion->result = makeNode(ResultRelInfo);
    InitResultRelInfo(insertion->result, insertion->partition, 1, nullptr, 0);
    ExecOpenIndices(insertion->result, false);
    insertion->slots =
        static_cast<TupleTableSlot **>(palloc(sizeof(TupleTableSlot *) * static_cast<Size>(batch.count)));
    // Of a copy nobody counts references: the owner of resources, which looks for each from the end, would take longer than the
    // insertion.
    TupleDesc columns = CreateTupleDescCopy(RelationGetDescr(insertion->partition));
    for (int i = 0; i < batch.count; i++) {
        insertion->slots[i] = MakeSingleTupleTableSlot(columns, table_slot_callbacks(insertion->partition));
    }
}

// The slots hold nothing but memory of the batch.
void close_partition(const Insertion &insertion) {
    ExecCloseIndices(insertion.result);
    FreeExecutorState(insertion.state);
    pg::end_acting(insertion.owner);
    table_close(insertion.partition, NoLock);
}

// What the server leaves behind goes with the memory of the batch.
void insert_slots(const Insertion &insertion, int count) {
    CommandId command = GetCurrentCommandId(true);
    if (count == 1) {
        table_tuple_insert(insertion.partition, insertion.slots[0], command, 0, nullptr);
    } else {
        table_multi_insert(insertion.partition, insertion.slots, count, command, 0, nullptr);
    }
}

} // namespace

void insert_batch(const RowBatch &batch) {
    MemoryContext memory =
        AllocSetContextCreate(CurrentMemoryContext, "softdelete batch", ALLOCSET_DEFAULT_SIZES);
    MemoryContext caller = MemoryContextSwitchTo(memory);
    Insertion insertion = {};
    open_partition(batch, &insertion);
    for (int i = 0; i < batch.count; i++) {
        const CollectedRow &row = batch.rows[i];
        fill_slot(insertion.slots[i], get_mapping(batch, &insertion, row.source), row);
        insertion.slots[i]->tts_tableOid = RelationGetRelid(insertion.partition);
    }
    insert_slots(insertion, batch.count);
    for (int i = 0; i < insertion.result->ri_NumIndices; i++) {
        insert_into_index(insertion, i, batch.count);
    }
    close_partition(insertion);
    MemoryContextSwitchTo(caller);
    MemoryContextDelete(memory);
}

} // namespace softdelete::rows
