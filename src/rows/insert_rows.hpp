// One batch of rows on its way into a partition. Plain server code, used by rows/collected_rows alone.
#pragma once

#include "rows/collected_rows.hpp"

extern "C" {
#include "access/tupdesc.h"
}

namespace softdelete::rows {

// A table that rows came from, as it was then.
struct RowSource {
    Oid relation;
    char *name;
    TupleDesc columns;
    RowSource *next;
};

struct CollectedRow {
    HeapTuple tuple;
    const RowSource *source;
    const Datum *values; // of the own columns
    const bool *nulls;
};

struct RowBatch {
    CollectTarget target;
    char **own_columns;
    int own_count;
    const RowSource *sources;
    const CollectedRow *rows;
    int count;
};

// Inserts the rows, in their order, with the target's indexes.
void insert_batch(const RowBatch &batch);

} // namespace softdelete::rows
