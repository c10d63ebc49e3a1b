// A foreign key as the row triggers need it, read from the catalog caches and kept in the session until a constraint
// changes. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "access/attnum.h"
#include "catalog/pg_constraint.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"
}

namespace softdelete::catalog {

struct ForeignKeyInfo {
    Oid constraint; // the key itself
    Oid root;       // the key that it was cloned from for a partition, or itself
    Oid child;      // referencing table
    Oid parent;     // referenced table
    Oid index;      // the parent's unique index
    NameData name;
    char on_delete; // FKCONSTR_ACTION_...
    char on_update; // likewise
    bool is_deferrable;
    int columns;
    AttrNumber child_columns[INDEX_MAX_KEYS];
    AttrNumber parent_columns[INDEX_MAX_KEYS];
    Oid equality[INDEX_MAX_KEYS]; // parent column = child column
};

// Reads a constraint; false where it is gone or no foreign key.
bool find_foreign_key(Oid constraint, ForeignKeyInfo *key);

// The keys that reference the relation, from its referential-action triggers: those that are enforced and enabled.
// The list's members and the list are allocated in the current memory context.
List *find_referencing_keys(Relation parent);

// The relation's own keys whose referenced table is `parent`, or a partition's copy of one; all where parent is invalid.
List *find_keys_to(Relation child, Oid parent);

// True where deleting the parent must not leave live children: CASCADE, RESTRICT, NO ACTION.
inline bool binds(const ForeignKeyInfo &key) {
    return key.on_delete != FKCONSTR_ACTION_SETNULL && key.on_delete != FKCONSTR_ACTION_SETDEFAULT;
}

// Is that the name of the key, or of the one that it was cloned from for a partition?
bool has_root_name(const ForeignKeyInfo &key, const char *name);

// A referential action on DELETE that does nothing where no row references the deleted one, and that changes no row which
// stays.
bool is_binding_delete_action(Oid function);

// False where a column compares otherwise, as those of a period do.
bool compares_by_equality(const ForeignKeyInfo &key);

// Registers the invalidation callback; called once from _PG_init.
void install_foreign_keys();

// For statements on the key's tables: the table's qualified and quoted name, and an operator as ` OPERATOR(schema.name) `.
const char *quote_table(Oid relation);
void append_operator(StringInfo text, Oid operator_id);

// What an operand of the operator is to be cast to, and " ::schema.type" where it is of another type, as the server's own
// queries have it: by name alone another operator of the same schema may fit better.
enum class Side { left, right };
Oid get_operand_type(Oid operator_id, Side side);
void append_cast(StringInfo text, Oid type, Oid wanted);

} // namespace softdelete::catalog
