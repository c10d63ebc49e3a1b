// Tables that a command on rows of one table may come to along foreign keys.
#pragma once

#include "pg/spi.hpp"

namespace softdelete::catalog {

// Locks them until the transaction ends, so that they stay what they are found to be: those below the table along CASCADE keys at
// any depth, what references or is referenced by one of them or a partition of one, and their inheritance children. Who may not change
// rows of the table locks nothing. under_way: which one it waits for, for who catches the error of a lock_timeout.
void lock_linked_tables(pg::Spi &spi, Oid relation, Oid *under_way = nullptr);

} // namespace softdelete::catalog
