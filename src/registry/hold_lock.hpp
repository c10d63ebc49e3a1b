// Who makes holds and who removes rows exclude each other, table by table: those of other tables never meet.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/pg_list.h"
}

namespace softdelete::registry {

// What a transaction is about to do with rows of a table.
enum class HoldAccess {
    make,   // puts some on hold, itself or by rows above them, or ends such a hold
    remove, // removes or overwrites some, or takes away what holds need: nobody makes a hold until it ends
    erase   // the same, and alone: it forgets released holds as well
};

// Locks the holds on these tables until the transaction ends, a partition as its root: all of them or, as long as it waits for
// one, none. Whoever already has some of them in another statement keeps those. Plain server code.
void lock_holds_on(const List *tables, HoldAccess access);

// The table itself, or the topmost one of which it is a partition; of an archive, the table that it is of. Plain server code.
Oid get_locked_table(Oid relation);

} // namespace softdelete::registry
