// Keeps histories in step with their tables through DDL. A column that is dropped or gets another type stays in the history
// under another name, so that what a row was stays as it was; the reader gives it its former name back.
#pragma once

#include "pg/spi.hpp"

#include <string>

namespace softdelete::history {

// The table's columns, key, partitions or owner may have changed. Does nothing where it has no history.
// Errors: 42701 where a column has the name of one of the history's own, 0A000 for a key with a column that is left out.
void follow_table(pg::Spi &spi, Oid relation);

// A column of the table has another name.
void follow_rename(pg::Spi &spi, Oid relation, const std::string &before, const std::string &now);

// A partition has been detached: its trigger goes. Does nothing where it is part of a table with a history.
void release_member(Oid relation);

// Any history in this database?
bool has_histories();

// The history that the relation is, or is a partition of; InvalidOid for none.
Oid find_history_of_member(Oid relation);

// The table whose history that is; InvalidOid for none.
Oid find_table_of_member(Oid relation);

} // namespace softdelete::history
