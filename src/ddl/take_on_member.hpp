// Partitions and inheritance children that come to a registered table, or leave it. A partition is registered as a part
// of its table; detached, it is registered alone with the same settings, so that its deleted rows stay deleted.
#pragma once

#include "pg/spi.hpp"

namespace softdelete::ddl {

// Before a table becomes a member of a registered one: gives it the columns that it lacks, and dissolves its own
// registration, the table's taking its place. Errors: 42501 not the owner; 42809 as check_kind_of_member() says; 55000 where its
// own columns have other names; 2BP01 where objects of the user depend on its views.
void prepare_member(Oid member, Oid table, bool is_partition);

// 42809 for a table that no registered one can have as a part: a foreign table, whose rows are elsewhere, and a temporary
// one, which other sessions cannot read. For a member that has come already, by whatever command.
void check_kind_of_member(pg::Spi &spi, Oid member);

// Before a table becomes a partition of a table that is not registered: what checks its keys makes room for the clones of
// the table's triggers, which have the same names where it was a partition once.
void drop_parent_checks(Oid member);

// After it has become one: the guard against TRUNCATE, indexes that cover live rows only, and the deletions of
// its rows, if it can have any.
// Errors: 23503 where a live row of it references a deleted one.
void take_on_member(Oid member, bool has_rows);

// After it has left: registers it alone. table is the registered one.
void register_alone(Oid member, Oid table);

} // namespace softdelete::ddl
