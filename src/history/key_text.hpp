// The key of a row as an array of text that every session reads alike. Plain server code.
#pragma once

#include "history/tracked_table.hpp"

extern "C" {
#include "access/htup.h"
#include "access/tupdesc.h"
}

namespace softdelete::history {

// text[], in the current memory context. The row is of the table or partition.
Datum write_key(const TrackedTable &table, HeapTuple row, TupleDesc columns);

// Reads it back: the value of each of the key's columns. texts: text[]. False where it has not as many as the key.
bool read_key(const TrackedTable &table, Datum texts, Datum *values);

// Are both the same key, as its types compare? history: the columns of the history table.
bool is_same_key(const TrackedTable &table, TupleDesc history, const Datum *one, const Datum *other);

// What read_key does, of one value.
Datum read_key_value(const KeyColumn &column, const char *text);

} // namespace softdelete::history
