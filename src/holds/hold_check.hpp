// Legal holds as the statements that remove rows meet them, whoever runs these. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "access/htup.h"
#include "storage/itemptr.h"
}

struct QueryDesc;

namespace softdelete::holds {

class HoldCheck;

// Nobody makes a hold from now on. Null where none can concern the table; otherwise what is to be asked for each row,
// which belongs to the memory context.
HoldCheck *begin_hold_check(Oid relation, MemoryContext context);

// Raises 55000 where a hold protects the row itself, a row above it, an archived row below it, or a row that would lose its
// link to it. relation: the table or partition that it is in.
void check_hold(HoldCheck *check, Oid relation, const ItemPointerData *row);

// The same from an AFTER trigger, of a row that is gone by now, with what the statement has removed before.
void check_removed_row(HoldCheck *check, Oid relation, HeapTuple row);

// The same without an error: true where a hold protects it.
bool is_held(HoldCheck *check, Oid relation, const ItemPointerData *row);

// Raises 55000 where rows of the table or partition are held, themselves or by rows above them. action: what is refused,
// as in "truncate", with what follows the table's name. is_removal: also where held rows elsewhere would lose their link to
// rows of the table.
void check_no_holds(Oid relation, const char *action, bool is_removal = false, const char *outcome = "");

// True where there are some, or where held rows elsewhere would lose their link to rows of the table.
bool has_held_rows(Oid relation);

// Called before a statement runs. One that removes rows takes the lock on holds before it locks rows, as hold() does;
// where the marker trigger does not fire it must not reach protected rows.
void prepare_physical_delete(const QueryDesc *query);

} // namespace softdelete::holds
