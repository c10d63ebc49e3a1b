// What the hot path knows of a registered table: read from the arguments of the marker trigger in the relation cache,
// so that plans are invalidated by the trigger's own invalidation and no catalog is touched. Kept in the session until
// the relation is invalidated. Plain server code: runs below the boundary, holds nothing with a destructor.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "access/attnum.h"
}

namespace softdelete::session {

enum class TableVisibility { filter, view, rls };

// Where its rows are: in the table itself; for a table of Citus in shards, of which each is a table with the marker as well.
enum class RowPlace { here, shards, is_shard };

struct RegisteredTable {
    Oid relation;
    AttrNumber deleted_at;
    AttrNumber deleted_by; // 0 where the table has none
    AttrNumber deletion_id;
    TableVisibility visibility;
    RowPlace rows;
    bool enabled; // false after DISABLE TRIGGER: the table must not be written then
};

// Fills table and returns true where relation carries the marker. The caller holds a lock on the relation.
// Raises an error where the marker names a column that is gone.
bool find_registered_table(Oid relation, RegisteredTable *table);

// The same for DDL, which must be able to bring a column back: columns that are gone are 0.
bool find_damaged_table(Oid relation, RegisteredTable *table);

// True where the relation carries the marker; nothing else is read.
bool is_registered_table(Oid relation);

// True where the relation has any trigger, be it that of a foreign key. Builds no entry of the relation cache.
bool has_triggers(Oid relation);

// True where it has a trigger under one of our names. InvalidOid has none.
bool has_own_trigger(Oid relation);

// True where it has a trigger of that name. InvalidOid has none.
bool has_trigger(Oid relation, const char *name);

// True where the trigger that calls is the marker of an installed extension.
bool is_marker_function(Oid function);

// How many changes of relations this session has heard of, and one.
uint64 count_relation_changes() noexcept;

// Registers the invalidation callback; called once from _PG_init.
void install_registered_tables();

} // namespace softdelete::session
