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

// The same of one value.
Datum read_key_value(const KeyColumn &column, const char *text);

} // namespace softdelete::history
