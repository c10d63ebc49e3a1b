// The publisher sends the removal of a row first, and the row to its archive afterwards, or not at all where it was erased or removed
// for good: which of both it is shows when the transaction is through. Called by archive/collect_deleted and triggers/on_archive.
#include "archive/kept_from_apply.hpp"

#include "archive/collect_deleted.hpp"
#include "catalog/table_catalog.hpp"
#include "catalog/table_info.hpp"
#include "holds/held_rows.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "registry/archive_scan.hpp"
#include "registry/hold_lock.hpp"
#include "registry/hold_log.hpp"
#include "rows/named_row.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
}

namespace softdelete::archive {

namespace {

struct NotedRow {
    Oid relation; // the table or partition that it was in
    Oid table;    // that was registered
    HeapTuple row;
    char **key; // as text
    int key_count;
    int archived_before; // rows of the archive under the key
    int nest_level;
    NotedRow *next;
};

NotedRow *noted = nullptr;

void tell(Oid table) {
    ereport(WARNING,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("rows of table \"%s\" that the publisher removed are kept in its archive",
                    get_rel_name(table)),
             errdetail("A hold protects them."),
             errhint("SELECT * FROM softdelete.holds lists the holds; once they are released, remove "
                     "the rows here as well.")));
}

enum class Place { table, archive };

// As it was before the transaction: what holds the row may have gone with it.
bool is_protected(Relation relation, HeapTuple row, Oid table, Place place) {
    registry::lock_holds_on(list_make1_oid(table), registry::HoldAccess::remove);
    if (!registry::has_active_holds()) {
        return false;
    }
    return pg::entry([&] {
        pg::Spi spi;
        const catalog::TableInfo info = catalog::get_table(spi, table);
        rows::RowSet rows;
        rows.add({RelationGetRelid(relation), row->t_self});
        pg::PastScope before(FirstCommandId);
        spi.set_read_only(true);
        bool is_held =
            !holds::find_held_rows(spi, place == Place::archive ? catalog::get_archive(info) : info, rows)
                 .empty();
        spi.set_read_only(false);
        return is_held;
    });
}

// Of the primary key: a hold names its row by it. In the memory of the (sub)transaction.
void read_key(Relation relation, NotedRow *entry) {
    const std::vector<catalog::PrimaryKeyColumn> columns = [&] {
        pg::Spi spi;
        return catalog::find_primary_key_columns(spi, entry->table);
    }();
    pg::ExactTextScope exact;
    pg::call([&] {
        MemoryContext caller = MemoryContextSwitchTo(CurTransactionContext);
        entry->key = static_cast<char **>(palloc0(sizeof(char *) * (columns.size() + 1)));
        for (const catalog::PrimaryKeyColumn &column : columns) {
            AttrNumber number = get_attnum(RelationGetRelid(relation), column.name.c_str());
            bool is_null = true;
            Datum value = heap_getattr(entry->row, number, RelationGetDescr(relation), &is_null);
            Oid output = InvalidOid;
            bool is_varlena = false;
            getTypeOutputInfo(TupleDescAttr(RelationGetDescr(relation), number - 1)->atttypid, &output,
                              &is_varlena);
            entry->key[entry->key_count++] = OidOutputFunctionCall(output, value);
        }
        MemoryContextSwitchTo(caller);
    });
}

int count_archived(const NotedRow *entry) {
    pg::Spi spi;
    const std::optional<rows::SubjectRow> found =
        rows::find_keyed_rows(spi, catalog::get_table(spi, entry->table),
                              std::vector<std::string>(entry->key, entry->key + entry->key_count),
                              rows::SubjectLock::for_key_share)
            .archived;
    return found ? static_cast<int>(found->rows.size()) : 0;
}

} // namespace

void note_applied_removal(Relation relation, HeapTuple row, Oid table) {
    if (!is_protected(relation, row, table, Place::table)) {
        return;
    }
    auto *entry = static_cast<NotedRow *>(MemoryContextAllocZero(CurTransactionContext, sizeof(NotedRow)));
    MemoryContext caller = MemoryContextSwitchTo(CurTransactionContext);
    entry->relation = RelationGetRelid(relation);
    entry->table = table;
    entry->row = heap_copytuple(row);
    entry->nest_level = GetCurrentTransactionNestLevel();
    MemoryContextSwitchTo(caller);
    pg::entry([&] {
        read_key(relation, entry);
        entry->archived_before = count_archived(entry);
    });
    entry->next = noted;
    noted = entry;
}

bool is_kept_in_archive(Relation relation, HeapTuple row) {
    Oid table = registry::find_table_of_archive(registry::find_archive_of_member(RelationGetRelid(relation)));
    if (!OidIsValid(table) || !is_protected(relation, row, table, Place::archive)) {
        return false;
    }
    tell(table);
    return true;
}

void archive_noted_rows() {
    for (NotedRow *entry = noted; entry != nullptr; entry = noted) {
        noted = entry->next;
        PushActiveSnapshot(GetTransactionSnapshot());
        if (pg::entry([&] { return count_archived(entry); }) <= entry->archived_before) {
            Relation relation = table_open(entry->relation, AccessShareLock);
            archive_row(relation, entry->row, entry->table);
            table_close(relation, NoLock);
            tell(entry->table);
        }
        PopActiveSnapshot();
    }
}

void forget_noted_rows(int nest_level) noexcept {
    NotedRow **place = &noted;
    while (*place != nullptr) {
        if ((*place)->nest_level >= nest_level) {
            *place = (*place)->next;
        } else {
            place = &(*place)->next;
        }
    }
}

void keep_noted_rows(int nest_level) noexcept {
    for (NotedRow *entry = noted; entry != nullptr; entry = entry->next) {
        entry->nest_level = Min(entry->nest_level, nest_level - 1);
    }
}

} // namespace softdelete::archive
