// Gives the transaction's deletions their ids and writes them to the log. Called from statements
// (api/statement_functions), the cascade and the hooks that end statements and transactions. An entry that a savepoint
// takes back is forgotten with its row in the log; one whose row alone was taken back is written again. How a row is
// written is registry/deletion_log's matter.
#include "deletion/open_deletions.hpp"

#include "deletion/adopted_deletions.hpp"
#include "deletion/restored_deletions.hpp"
#include "registry/deletion_log.hpp"
#include "session/extension_functions.hpp"
#include "session/plan_notes.hpp"
#include "session/running_statements.hpp"
#include "settings.hpp"

extern "C" {
#include "access/xact.h"
#include "catalog/partition.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
}

#include <cstring>

namespace softdelete::deletion {

namespace {

struct TouchedTable {
    Oid relation;
    int nest_level;
    int new_rows_level; // where it was written that rows of this transaction were archived; 0 for not yet
    TouchedTable *next;
};

struct OpenDeletion {
    int64 id;
    Oid relation;
    char *actor;
    char *reason;  // null where none
    bool is_named; // the actor, by softdelete.actor
    Oid role;      // the actor, where not named: the name that it had then stays
    CommandId command;
    int nest_level;
    int written_level;         // where its row in the log was written; 0 for not yet
    bool is_restored;          // was empty once: its rows are back
    bool is_confirmed;         // a row has surely joined it
    bool is_distributed;       // begun before a statement on a table of Citus has shown whether it takes rows
    bool has_rows;             // of such a statement
    const QueryDesc *begun_by; // runs still, and no other statement has added to it; else null
    TouchedTable *tables;
    OpenDeletion *next;
};

OpenDeletion *open_deletions = nullptr;

struct Pin {
    int64 id;
    int nest_level;
    Pin *next;
};

Pin *pins = nullptr;

bool equal_text(const char *left, const char *right) {
    return left == right || (left != nullptr && right != nullptr && strcmp(left, right) == 0);
}

char *copy_text(const char *text) {
    return text == nullptr ? nullptr : MemoryContextStrdup(TopTransactionContext, text);
}

OpenDeletion *find_open_deletion(const char *actor, const char *reason) {
    OpenDeletion *entry = open_deletions;
    while (entry != nullptr && !(equal_text(entry->actor, actor) && equal_text(entry->reason, reason))) {
        entry = entry->next;
    }
    return entry;
}

// Without the name of the role, which the catalogs would have to be asked for with each row.
OpenDeletion *find_deletion_by_role(const char *reason) {
    const Oid role = settings::actor() == nullptr ? GetOuterUserId() : InvalidOid;
    OpenDeletion *entry = OidIsValid(role) ? open_deletions : nullptr;
    while (entry != nullptr && !(entry->role == role && equal_text(entry->reason, reason))) {
        entry = entry->next;
    }
    return entry;
}

OpenDeletion *find_open_deletion(int64 id) noexcept {
    OpenDeletion *entry = open_deletions;
    while (entry != nullptr && entry->id != id) {
        entry = entry->next;
    }
    return entry;
}

// Nobody's but the cascade's own statements belong to it; 0 for others.
int64 find_pinned_id() {
    bool is_cascade = (session::running_statement_notes() & session::note_cascade) != 0;
    return pins == nullptr || !is_cascade ? 0 : pins->id;
}

TouchedTable *find_touched(const OpenDeletion *entry, Oid relation) {
    TouchedTable *table = entry == nullptr ? nullptr : entry->tables;
    while (table != nullptr && table->relation != relation) {
        table = table->next;
    }
    return table;
}

void add_table(OpenDeletion *entry, Oid relation) {
    auto *table =
        static_cast<TouchedTable *>(MemoryContextAlloc(TopTransactionContext, sizeof(TouchedTable)));
    *table = {relation, GetCurrentTransactionNestLevel(), 0, entry->tables};
    entry->tables = table;
}

// Takes the first of the list out and frees it: a transaction may begin and roll back any number.
template <typename Entry>
void free_first(Entry **link) noexcept {
    Entry *entry = *link;
    *link = entry->next;
    pfree(entry);
}

void free_deletion(OpenDeletion **link) noexcept {
    OpenDeletion *entry = *link;
    while (entry->tables != nullptr) {
        free_first(&entry->tables);
    }
    for (char *text : {entry->actor, entry->reason}) {
        if (text != nullptr) {
            pfree(text);
        }
    }
    free_first(link);
}

OpenDeletion *begin_deletion(Oid relation, const char *actor, const char *reason) {
    int64 id = registry::get_new_deletion_id();
    auto *entry =
        static_cast<OpenDeletion *>(MemoryContextAllocZero(TopTransactionContext, sizeof(OpenDeletion)));
    entry->id = id;
    entry->relation = relation;
    entry->actor = copy_text(actor);
    entry->reason = copy_text(reason);
    entry->is_named = settings::actor() != nullptr;
    entry->role = entry->is_named ? InvalidOid : GetOuterUserId();
    entry->command = GetCurrentCommandId(true);
    entry->nest_level = GetCurrentTransactionNestLevel();
    entry->begun_by = session::running_statement();
    entry->next = open_deletions;
    open_deletions = entry;
    add_table(entry, relation);
    return entry;
}

// Under the present actor and reason.
OpenDeletion *find_present_deletion() {
    OpenDeletion *entry = find_deletion_by_role(settings::reason());
    return entry != nullptr ? entry : find_open_deletion(get_actor(), settings::reason());
}

void touch(OpenDeletion *entry, Oid relation) {
    if (find_touched(entry, relation) != nullptr) {
        return;
    }
    if (entry->written_level > 0) {
        registry::insert_deletion_table(entry->id, relation);
    }
    add_table(entry, relation);
}

void write(OpenDeletion *entry) {
    int count = 0;
    for (const TouchedTable *table = entry->tables; table != nullptr; table = table->next) {
        count++;
    }
    auto *further = static_cast<Oid *>(palloc(sizeof(Oid) * static_cast<Size>(count + 1)));
    int place = count;
    for (const TouchedTable *table = entry->tables; table != nullptr; table = table->next) {
        further[--place] = table->relation;
    }
    // First, because the row may be written by a statement, around which this is asked again. An error ends the level.
    entry->written_level = GetCurrentTransactionNestLevel();
    // The first of them is where it began.
    registry::insert_deletion({.id = entry->id,
                               .relation = entry->relation,
                               .actor = entry->actor,
                               .reason = entry->reason,
                               .further_relations = further + 1,
                               .further_count = count - 1,
                               .command = entry->command});
    pfree(further);
}

// A partition is a part of the table that was registered.
Oid get_registered_root(Oid relation) {
    return get_rel_relispartition(relation) ? llast_oid(get_partition_ancestors(relation)) : relation;
}

} // namespace

const char *get_named_actor() {
    if (const AdoptedDeletion *adopted = find_adopted_deletion(find_pinned_id()); adopted != nullptr) {
        return adopted->is_named ? adopted->actor : nullptr;
    }
    const OpenDeletion *pinned = find_open_deletion(find_pinned_id());
    return pinned == nullptr ? settings::actor() : pinned->is_named ? pinned->actor : nullptr;
}

const char *get_actor() {
    if (const AdoptedDeletion *adopted = find_adopted_deletion(find_pinned_id()); adopted != nullptr) {
        return adopted->actor;
    }
    const OpenDeletion *pinned = find_open_deletion(find_pinned_id());
    const char *actor = pinned == nullptr ? settings::actor() : pinned->actor;
    return actor != nullptr ? actor : GetUserNameFromId(GetOuterUserId(), false);
}

int64 get_current_deletion(Oid named_relation) {
    session::check_version();
    if (const AdoptedDeletion *adopted = find_adopted_deletion(find_pinned_id()); adopted != nullptr) {
        return adopted->id;
    }
    OpenDeletion *pinned = find_open_deletion(find_pinned_id());
    OpenDeletion *entry = pinned != nullptr ? pinned : find_present_deletion();
    if (entry == nullptr) {
        entry = begin_deletion(get_registered_root(named_relation), get_actor(), settings::reason());
    } else if (find_touched(entry, named_relation) == nullptr) {
        touch(entry, get_registered_root(named_relation));
    }
    if (entry->begun_by != session::running_statement()) {
        entry->begun_by = nullptr;
    }
    if (entry->is_restored) {
        note_restored_row(
            entry->id); // the log says restored, which is looked at again when the statement is through
    }
    return entry->id;
}

int64 get_distributed_deletion(List *relations) {
    int64 id = get_current_deletion(linitial_oid(relations));
    OpenDeletion *entry = find_open_deletion(id);
    ListCell *cell;
    foreach (cell, relations) {
        touch(entry, lfirst_oid(cell));
    }
    entry->is_distributed = entry->is_distributed || entry->written_level == 0;
    entry->begun_by = nullptr;
    return id;
}

void note_new_row(Oid table, int64 id) {
    TouchedTable *touched = find_touched(find_open_deletion(id), table);
    if (touched == nullptr || touched->new_rows_level == 0) {
        if (touched != nullptr) {
            touched->new_rows_level = GetCurrentTransactionNestLevel();
        }
        registry::note_new_rows(id, table);
    }
}

void confirm_distributed_deletions() noexcept {
    for (OpenDeletion *entry = open_deletions; entry != nullptr; entry = entry->next) {
        entry->has_rows = true;
    }
}

TimestampTz get_deletion_time() {
    const AdoptedDeletion *adopted = find_adopted_deletion(find_pinned_id());
    return adopted != nullptr ? adopted->time : GetCurrentTransactionStartTimestamp();
}

const char *get_actor(int64 id) {
    const OpenDeletion *entry = find_open_deletion(id);
    return entry != nullptr ? entry->actor : get_actor();
}

int64 find_current_deletion() {
    const OpenDeletion *entry = find_present_deletion();
    return entry == nullptr ? 0 : entry->id;
}

void write_deletions() {
    for (OpenDeletion *entry = open_deletions; entry != nullptr; entry = entry->next) {
        if (entry->written_level == 0 && (!entry->is_distributed || entry->has_rows)) {
            write(entry);
        }
    }
}

void confirm_deletion(int64 id) noexcept {
    if (OpenDeletion *entry = find_open_deletion(id); entry != nullptr) {
        entry->is_confirmed = true;
    }
}

int64 end_of_statement(const QueryDesc *query) noexcept {
    int64 begun = 0;
    for (OpenDeletion *entry = open_deletions; entry != nullptr; entry = entry->next) {
        if (entry->begun_by == query) {
            begun = entry->is_confirmed ? 0 : entry->id;
            entry->begun_by = nullptr;
        }
    }
    return begun;
}

bool forget_deletion(int64 id) noexcept {
    OpenDeletion **link = &open_deletions;
    while (*link != nullptr && (*link)->id != id) {
        link = &(*link)->next;
    }
    OpenDeletion *entry = *link;
    if (entry == nullptr) {
        return false;
    }
    bool was_written = entry->written_level > 0;
    free_deletion(link);
    return was_written;
}

bool is_open_deletion(int64 id) noexcept {
    return find_open_deletion(id) != nullptr || find_adopted_deletion(id) != nullptr;
}

void note_restored_deletion(int64 id) noexcept {
    if (OpenDeletion *entry = find_open_deletion(id); entry != nullptr) {
        entry->is_restored = true;
    }
}

void pin_deletion(int64 id) {
    auto *pin = static_cast<Pin *>(MemoryContextAlloc(TopTransactionContext, sizeof(Pin)));
    *pin = {id, GetCurrentTransactionNestLevel(), pins};
    pins = pin;
}

void unpin_deletion() noexcept {
    if (pins != nullptr) {
        free_first(&pins);
    }
}

void end_transaction() noexcept {
    end_adopted_deletions();
    open_deletions = nullptr;
    pins = nullptr;
}

void abort_subtransaction(int nest_level) noexcept {
    abort_adopted_deletions(nest_level);
    // The statements are over.
    for (OpenDeletion *entry = open_deletions; entry != nullptr; entry = entry->next) {
        entry->begun_by = nullptr;
    }
    while (pins != nullptr && pins->nest_level >= nest_level) {
        free_first(&pins);
    }
    OpenDeletion **link = &open_deletions;
    while (*link != nullptr) {
        OpenDeletion *entry = *link;
        if (entry->nest_level >= nest_level) {
            free_deletion(link);
            continue;
        }
        if (entry->written_level >= nest_level) {
            entry->written_level = 0;
        }
        TouchedTable **table = &entry->tables;
        while (*table != nullptr) {
            if ((*table)->nest_level >= nest_level) {
                free_first(table);
                continue;
            }
            if ((*table)->new_rows_level >= nest_level) {
                (*table)->new_rows_level = 0;
            }
            table = &(*table)->next;
        }
        link = &entry->next;
    }
}

void commit_subtransaction(int nest_level) noexcept {
    commit_adopted_deletions(nest_level);
    for (OpenDeletion *entry = open_deletions; entry != nullptr; entry = entry->next) {
        entry->nest_level = Min(entry->nest_level, nest_level - 1);
        entry->written_level = Min(entry->written_level, nest_level - 1);
        for (TouchedTable *table = entry->tables; table != nullptr; table = table->next) {
            table->nest_level = Min(table->nest_level, nest_level - 1);
            table->new_rows_level = Min(table->new_rows_level, nest_level - 1);
        }
    }
}

} // namespace softdelete::deletion
