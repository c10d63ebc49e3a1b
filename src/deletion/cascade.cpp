// The work list of the cascade. Row triggers add keys; when the triggers of a statement are through, the executor hook
// has the list worked off, and the statements that do so add the next level's keys to the same list. The statements
// themselves are made in deletion/cascade_statements.
#include "deletion/cascade.hpp"

#include "deletion/cascade_statements.hpp"
#include "deletion/open_deletions.hpp"
#include "model/trigger_names.hpp"
#include "pg/spi.hpp"
#include "session/plan_notes.hpp"
#include "session/registered_table.hpp"
#include "session/running_statements.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/xact.h"
#include "executor/spi.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/relcache.h"
}

namespace softdelete::deletion {

namespace {

// How many keys one statement takes: more cost planning time and memory and gain nothing.
constexpr int keys_per_statement = 1000;

// The keys of one foreign key's deleted parents that wait for their turn. Owns its memory context.
struct PendingKeys {
    MemoryContext memory;
    catalog::ForeignKeyInfo key;
    int64 deletion;
    int nest_level;
    int place; // of the statement that works it off
    int level; // below the rows that the statement named; the same for all NO ACTION keys, which are asked at the end
    int capacity;
    KeyValues keys;
    bool is_running; // it is being worked off
    PendingKeys *next;
};

PendingKeys *pending = nullptr;
int current_level = 0; // of the rows that are being deleted

bool is_cascade() {
    return (session::running_statement_notes() & session::note_cascade) != 0;
}

int get_level(const catalog::ForeignKeyInfo &key) {
    return key.on_delete == FKCONSTR_ACTION_NOACTION || !is_cascade() ? 0 : current_level;
}

// Of what the innermost statement that is working off keys deletes; 0 where none is.
int get_running_level() noexcept {
    const PendingKeys *innermost = nullptr;
    for (const PendingKeys *entry = pending; entry != nullptr; entry = entry->next) {
        if (entry->is_running && (innermost == nullptr || entry->place > innermost->place)) {
            innermost = entry;
        }
    }
    return innermost == nullptr ? 0 : innermost->level + 1;
}

PendingKeys *add_pending(const catalog::ForeignKeyInfo &key, int64 deletion) {
    MemoryContext memory =
        AllocSetContextCreate(TopTransactionContext, "softdelete cascade keys", ALLOCSET_DEFAULT_SIZES);
    auto *entry = static_cast<PendingKeys *>(MemoryContextAllocZero(memory, sizeof(PendingKeys)));
    entry->memory = memory;
    entry->key = key;
    entry->deletion = deletion;
    entry->nest_level = GetCurrentTransactionNestLevel();
    entry->place = session::running_statement_place();
    entry->level = get_level(key);
    entry->keys.columns = key.columns;
    // At the end: parents of one level come before those of the next.
    PendingKeys **place = &pending;
    while (*place != nullptr) {
        place = &(*place)->next;
    }
    *place = entry;
    return entry;
}

// A key that references a partitioned table has a copy for each partition. One statement deletes the children of all; what
// refuses a deletion names the partition in its error.
bool is_same_key(const catalog::ForeignKeyInfo &left, const catalog::ForeignKeyInfo &right) {
    return left.constraint == right.constraint
           || (left.root == right.root && left.child == right.child
               && left.on_delete == FKCONSTR_ACTION_CASCADE && right.on_delete == FKCONSTR_ACTION_CASCADE);
}

PendingKeys *get_pending(const catalog::ForeignKeyInfo &key, int64 deletion) {
    int nest_level = GetCurrentTransactionNestLevel();
    int place = session::running_statement_place();
    int level = get_level(key);
    for (PendingKeys *entry = pending; entry != nullptr; entry = entry->next) {
        if (!entry->is_running && is_same_key(entry->key, key) && entry->deletion == deletion
            && entry->nest_level == nest_level && entry->place == place && entry->level == level) {
            return entry;
        }
    }
    return add_pending(key, deletion);
}

void grow(PendingKeys *entry) {
    int capacity = entry->capacity == 0 ? 64 : entry->capacity * 2;
    Size size = sizeof(Datum) * static_cast<Size>(capacity);
    for (int i = 0; i < entry->keys.columns; i++) {
        Datum *values = entry->keys.values[i];
        entry->keys.values[i] = static_cast<Datum *>(
            values == nullptr ? MemoryContextAllocHuge(entry->memory, size) : repalloc_huge(values, size));
    }
    entry->capacity = capacity;
}

// False where a column is NULL: such a row is referenced by nobody.
bool read_key(Relation relation, const catalog::ForeignKeyInfo &key, HeapTuple row, Datum *values) {
    for (int i = 0; i < key.columns; i++) {
        bool is_null = true;
        values[i] = heap_getattr(row, key.parent_columns[i], RelationGetDescr(relation), &is_null);
        if (is_null) {
            return false;
        }
    }
    return true;
}

// key: of the relation, whose columns may stand in another order than those of the entry's.
void add_key(PendingKeys *entry, Relation relation, const catalog::ForeignKeyInfo &key, const Datum *values) {
    if (entry->keys.count == entry->capacity) {
        grow(entry);
    }
    MemoryContext caller = MemoryContextSwitchTo(entry->memory);
    for (int i = 0; i < entry->keys.columns; i++) {
        Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), key.parent_columns[i] - 1);
        entry->keys.values[i][entry->keys.count] = datumCopy(values[i], column->attbyval, column->attlen);
    }
    entry->keys.count++;
    MemoryContextSwitchTo(caller);
}

// Takes the entry out of the list and frees it.
void forget(PendingKeys **place) noexcept {
    PendingKeys *entry = *place;
    *place = entry->next;
    MemoryContextDelete(entry->memory);
}

// The first of the running statement's entries, of a NO ACTION key or of another; null where there is none. Those of
// statements further out wait for them: this one may be part of a savepoint that rolls back.
PendingKeys *find_next(bool is_no_action) {
    int running = session::running_statement_place();
    for (PendingKeys *entry = pending; entry != nullptr; entry = entry->next) {
        if ((entry->key.on_delete == FKCONSTR_ACTION_NOACTION) == is_no_action && entry->place == running
            && !entry->is_running) {
            return entry;
        }
    }
    return nullptr;
}

// Will a DELETE on the entry's child be a real one, after which the server asks NO ACTION keys to it?
bool deletes_really(const PendingKeys *entry) {
    return entry->key.on_delete == FKCONSTR_ACTION_CASCADE
           && session::has_trigger(entry->key.child, model::archive_trigger);
}

bool references_by_no_action(Oid child, Oid parent) {
    Relation relation = RelationIdGetRelation(child);
    List *keys = RelationIsValid(relation) ? catalog::find_keys_to(relation, parent) : NIL;
    if (RelationIsValid(relation)) {
        RelationClose(relation);
    }
    ListCell *cell;
    foreach (cell, keys) {
        if (static_cast<const catalog::ForeignKeyInfo *>(lfirst(cell))->on_delete
            == FKCONSTR_ACTION_NOACTION) {
            return true;
        }
    }
    return false;
}

// One of the same level that is to go before the entry; null where there is none.
PendingKeys *find_referencing(const PendingKeys *entry) {
    for (PendingKeys *other = pending; other != nullptr; other = other->next) {
        if (!other->is_running && other->place == entry->place && other->level == entry->level
            && other->key.child != entry->key.child && deletes_really(other)
            && references_by_no_action(other->key.child, entry->key.child)) {
            return other;
        }
    }
    return nullptr;
}

// A native cascade takes the children of all keys before the server asks a NO ACTION key between them. So those that
// reference others by such a key go first; in a circle, any.
PendingKeys *find_first_to_go(PendingKeys *entry) {
    for (PendingKeys *step = pending; step != nullptr && deletes_really(entry); step = step->next) {
        PendingKeys *before = find_referencing(entry);
        if (before == nullptr) {
            break;
        }
        entry = before;
    }
    return entry;
}

// The entry stays in the list meanwhile, for an abort to free it.
void work_off(PendingKeys *entry) {
    entry->is_running = true;
    pin_deletion(entry->deletion);
    current_level = entry->level + 1;
    for (int first = 0; first < entry->keys.count; first += keys_per_statement) {
        CHECK_FOR_INTERRUPTS();
        int count = Min(keys_per_statement, entry->keys.count - first);
        if (entry->key.on_delete == FKCONSTR_ACTION_CASCADE) {
            delete_children(entry->key, entry->keys, first, count);
        } else {
            refuse_children(entry->key, entry->keys, first, count);
        }
    }
    unpin_deletion();
    PendingKeys **place = &pending;
    while (*place != entry) {
        place = &(*place)->next;
    }
    forget(place);
}

// Level by level in the order of the server's triggers, which put the entries here: a RESTRICT key refuses the children
// that what came before it has left. NO ACTION when everything that goes is gone.
void work_off_all() {
    int level = current_level;
    for (;;) {
        PendingKeys *entry = find_next(false);
        if (entry == nullptr) {
            entry = find_next(true);
        }
        if (entry == nullptr) {
            break;
        }
        work_off(find_first_to_go(entry));
    }
    current_level = level;
}

} // namespace

void collect_deleted_row(Relation relation, List *keys, HeapTuple row, int64 deletion) {
    ListCell *cell;
    foreach (cell, keys) {
        const auto *key = static_cast<const catalog::ForeignKeyInfo *>(lfirst(cell));
        Datum values[INDEX_MAX_KEYS];
        bool is_deferred = key->on_delete == FKCONSTR_ACTION_NOACTION && key->is_deferrable;
        if (catalog::binds(*key) && !is_deferred && read_key(relation, *key, row, values)) {
            add_key(get_pending(*key, deletion), relation, *key, values);
        }
    }
}

void finish_statement() {
    if (pending == nullptr || is_cascade()) {
        return;
    }
    pg::connect_spi();
    work_off_all();
    SPI_finish();
}

void check_children(Relation relation, const catalog::ForeignKeyInfo &key, HeapTuple row) {
    Datum values[INDEX_MAX_KEYS];
    if (!read_key(relation, key, row, values)) {
        return;
    }
    if (session::is_statement_finishing()) {
        add_key(get_pending(key, 0), relation, key, values);
        return;
    }
    KeyValues keys = {};
    keys.columns = key.columns;
    keys.count = 1;
    for (int i = 0; i < key.columns; i++) {
        keys.values[i] = &values[i];
    }
    pg::connect_spi();
    refuse_children(key, keys, 0, 1);
    SPI_finish();
}

void forget_cascades(int nest_level) noexcept {
    PendingKeys **place = &pending;
    while (*place != nullptr) {
        if ((*place)->nest_level >= nest_level) {
            forget(place);
        } else {
            place = &(*place)->next;
        }
    }
    current_level = get_running_level();
}

void keep_cascades(int nest_level) noexcept {
    for (PendingKeys *entry = pending; entry != nullptr; entry = entry->next) {
        entry->nest_level = Min(entry->nest_level, nest_level - 1);
    }
}

void install_cascade() {
    install_cascade_statements();
}

} // namespace softdelete::deletion
