// Foreign keys for the row triggers. Takes rows of pg_constraint apart as ri_LoadConstraintInfo() in
// src/backend/utils/adt/ri_triggers.c does, and keeps them until a constraint changes. Called by deletion/ per row;
// commands read catalog/foreign_keys instead.
#include "catalog/foreign_key_info.hpp"

#include "pg/compat.hpp"
#include "pg/relation_cache.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/partition.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
}

namespace softdelete::catalog {

namespace {

// As get_ri_constraint_root() in src/backend/utils/adt/ri_triggers.c.
Oid get_root(Oid constraint) {
    for (;;) {
        HeapTuple row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
        if (!HeapTupleIsValid(row)) {
            return constraint;
        }
        Oid parent = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(row))->conparentid;
        ReleaseSysCache(row);
        if (!OidIsValid(parent)) {
            return constraint;
        }
        constraint = parent;
    }
}

bool is_delete_action(Oid function) {
    return is_binding_delete_action(function) || function == F_RI_FKEY_SETNULL_DEL
           || function == F_RI_FKEY_SETDEFAULT_DEL;
}

bool read_foreign_key(Oid constraint, ForeignKeyInfo *key) {
    HeapTuple row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
    if (!HeapTupleIsValid(row)) {
        return false;
    }
    const auto *form = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(row));
    bool found = form->contype == CONSTRAINT_FOREIGN;
    if (found) {
        key->constraint = constraint;
        key->child = form->conrelid;
        key->parent = form->confrelid;
        key->index = form->conindid;
        key->name = form->conname;
        key->on_delete = form->confdeltype;
        key->on_update = form->confupdtype;
        key->is_deferrable = form->condeferrable;
        DeconstructFkConstraintRow(row, &key->columns, key->child_columns, key->parent_columns, key->equality,
                                   nullptr, nullptr, nullptr, nullptr);
    }
    ReleaseSysCache(row);
    if (found) {
        key->root = get_root(constraint);
    }
    return found;
}

struct KnownKey {
    Oid constraint; // hash key
    ForeignKeyInfo key;
};

HTAB *known_keys = nullptr;
uint64 changes = 0; // of constraints, as this session has heard of them

// All of them: a key's root may change with another constraint's row.
void forget_keys(Datum, pg::compat::SysCacheIdentifier, uint32) {
    changes++;
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, known_keys);
    while (auto *known = static_cast<KnownKey *>(hash_seq_search(&scan))) {
        hash_search(known_keys, &known->constraint, HASH_REMOVE, nullptr);
    }
}

ForeignKeyInfo *copy_key(const ForeignKeyInfo &key) {
    auto *copy = static_cast<ForeignKeyInfo *>(palloc(sizeof(ForeignKeyInfo)));
    *copy = key;
    return copy;
}

} // namespace

bool find_foreign_key(Oid constraint, ForeignKeyInfo *key) {
    const auto *known =
        static_cast<const KnownKey *>(hash_search(known_keys, &constraint, HASH_FIND, nullptr));
    if (known != nullptr) {
        *key = known->key;
        return true;
    }
    uint64 changes_before = changes;
    bool found = read_foreign_key(constraint, key);
    if (found && changes == changes_before) {
        auto *kept = static_cast<KnownKey *>(hash_search(known_keys, &constraint, HASH_ENTER, nullptr));
        kept->key = *key;
    }
    return found;
}

List *find_referencing_keys(Relation parent) {
    List *constraints = NIL;
    const TriggerDesc *triggers = parent->trigdesc; // nothing is looked up
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
        const Trigger &trigger = triggers->triggers[i];
        if (is_delete_action(trigger.tgfoid) && trigger.tgenabled != TRIGGER_DISABLED) {
            constraints = lappend_oid(constraints, trigger.tgconstraint);
        }
    }
    List *keys = NIL;
    ListCell *cell;
    foreach (cell, constraints) { // to look one up may free the triggers
        ForeignKeyInfo key;
        if (find_foreign_key(lfirst_oid(cell), &key)) {
            keys = lappend(keys, copy_key(key));
        }
    }
    return keys;
}

List *find_keys_to(Relation child, Oid parent) {
    List *keys = NIL;
    ListCell *cell;
    foreach (cell, pg::copy_foreign_keys(child)) {
        const auto *cached = static_cast<const ForeignKeyCacheInfo *>(lfirst(cell));
        ForeignKeyInfo key;
        bool is_wanted = !OidIsValid(parent) || cached->confrelid == parent;
        if (is_wanted && find_foreign_key(cached->conoid, &key)) {
            keys = lappend(keys, copy_key(key));
        }
    }
    return keys;
}

bool has_root_name(const ForeignKeyInfo &key, const char *name) {
    const char *root = get_constraint_name(key.root);
    return root != nullptr && strcmp(root, name) == 0;
}

bool is_binding_delete_action(Oid function) {
    return function == F_RI_FKEY_CASCADE_DEL || function == F_RI_FKEY_RESTRICT_DEL
           || function == F_RI_FKEY_NOACTION_DEL;
}

bool compares_by_equality(const ForeignKeyInfo &key) {
    for (int i = 0; i < key.columns; i++) {
        if (get_mergejoin_opfamilies(key.equality[i]) == NIL) {
            return false;
        }
    }
    return true;
}

const char *quote_table(Oid relation) {
    return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
                                      get_rel_name(relation));
}

void append_operator(StringInfo text, Oid operator_id) {
    HeapTuple row = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator_id));
    const auto *form = reinterpret_cast<Form_pg_operator>(GETSTRUCT(row));
    appendStringInfo(text, " OPERATOR(%s.%s) ", quote_identifier(get_namespace_name(form->oprnamespace)),
                     NameStr(form->oprname));
    ReleaseSysCache(row);
}

Oid get_operand_type(Oid operator_id, Side side) {
    Oid left = InvalidOid;
    Oid right = InvalidOid;
    op_input_types(operator_id, &left, &right);
    return side == Side::left ? left : right;
}

void append_cast(StringInfo text, Oid type, Oid wanted) {
    if (wanted == type || !OidIsValid(wanted) || IsPolymorphicType(wanted)) {
        return;
    }
    HeapTuple row = SearchSysCache1(TYPEOID, ObjectIdGetDatum(wanted));
    const auto *form = reinterpret_cast<Form_pg_type>(GETSTRUCT(row));
    appendStringInfo(
        text, " ::%s",
        quote_qualified_identifier(get_namespace_name(form->typnamespace), NameStr(form->typname)));
    ReleaseSysCache(row);
}

void install_foreign_keys() {
    HASHCTL control = {};
    control.keysize = sizeof(Oid);
    control.entrysize = sizeof(KnownKey);
    known_keys = hash_create("softdelete foreign keys", 64, &control, HASH_ELEM | HASH_BLOBS);
    CacheRegisterSyscacheCallback(CONSTROID, forget_keys, 0);
}

} // namespace softdelete::catalog
