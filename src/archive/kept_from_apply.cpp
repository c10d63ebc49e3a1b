// The publisher sends the removal of a row first, and the row to its archive afterwards, or not at all where it was erased or removed
// for good: which of both it is shows when the transaction is through. Called by archive/collect_deleted and triggers/on_archive.
#include "archive/kept_from_apply.hpp"

#include "archive/collect_deleted.hpp"
#include "catalog/table_catalog.hpp"
#include "catalog/table_info.hpp"
#include "holds/held_rows.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "registry/archive_scan.hpp"
#include "registry/hold_lock.hpp"
#include "registry/hold_log.hpp"
#include "rows/named_row.hpp"
#include "sqltext/format.hpp"

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

#include <cstring>
#include <utility>

namespace softdelete::archive {

namespace {

struct NotedRow {
    Oid relation; // the table or partition that it was in
    Oid table;    // that was registered
    HeapTuple row;
    char **values; // of its key, or of all columns where the table has none, as text; null for NULL
    int value_count;
    int archived_before; // rows of the archive with these
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

bool has_key(pg::Spi &spi, Oid table) {
    return !catalog::find_primary_key_columns(spi, table).empty();
}

// What tells the row from others, unquoted: a hold above it protects it where it has no key as well.
std::vector<std::string> find_telling_columns(pg::Spi &spi, Oid table) {
    std::vector<std::string> names;
    for (const catalog::PrimaryKeyColumn &column : catalog::find_primary_key_columns(spi, table)) {
        names.push_back(column.name);
    }
    if (names.empty()) {
        for (const pg::Row &row : spi.query_kept(
                 "SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = $1::pg_catalog.oid AND "
                 "attnum > 0 AND NOT attisdropped AND attgenerated <> 'v' ORDER BY attnum",
                 {table})) {
            names.push_back(row.text(0));
        }
    }
    return names;
}

// In the memory of the (sub)transaction.
void read_values(Relation relation, NotedRow *entry) {
    const std::vector<std::string> columns = [&] {
        pg::Spi spi;
        return find_telling_columns(spi, entry->table);
    }();
    pg::ExactTextScope exact;
    pg::call([&] {
        MemoryContext caller = MemoryContextSwitchTo(CurTransactionContext);
        entry->values = static_cast<char **>(palloc0(sizeof(char *) * (columns.size() + 1)));
        for (const std::string &column : columns) {
            AttrNumber number = get_attnum(RelationGetRelid(relation), column.c_str());
            bool is_null = true;
            Datum value = heap_getattr(entry->row, number, RelationGetDescr(relation), &is_null);
            Oid output = InvalidOid;
            bool is_varlena = false;
            getTypeOutputInfo(TupleDescAttr(RelationGetDescr(relation), number - 1)->atttypid, &output,
                              &is_varlena);
            entry->values[entry->value_count++] = is_null ? nullptr : OidOutputFunctionCall(output, value);
        }
        MemoryContextSwitchTo(caller);
    });
}

int count_equal_rows(pg::Spi &spi, const NotedRow *entry) {
    const catalog::TableInfo archive = catalog::get_archive(catalog::get_table(spi, entry->table));
    const std::vector<std::string> columns = find_telling_columns(spi, entry->table);
    std::vector<std::string> conditions = {"true"};
    std::vector<pg::Parameter> values;
    for (std::size_t i = 0; i < columns.size() && std::cmp_less(i, entry->value_count); i++) {
        const std::string column = "a." + pg::quote_identifier(columns[i]);
        if (entry->values[i] == nullptr) {
            conditions.push_back(column + " IS NOT DISTINCT FROM NULL");
        } else {
            values.emplace_back(std::string(entry->values[i]));
            conditions.push_back(
                sqltext::format("pg_catalog.format('%%s', %1%) = $%2%", column, values.size()));
        }
    }
    pg::ReadScope owner(archive.owner);
    pg::ExactTextScope exact;
    return static_cast<int>(
        spi.query(sqltext::format("/* softdelete */ SELECT pg_catalog.count(*) FROM %1% AS a WHERE %2%",
                                  archive.name, sqltext::join(conditions, " AND ")),
                  values)
            .front()
            .number(0));
}

int count_archived(const NotedRow *entry) {
    pg::Spi spi;
    if (!has_key(spi, entry->table)) {
        return count_equal_rows(spi, entry);
    }
    const std::optional<rows::SubjectRow> found =
        rows::find_keyed_rows(spi, catalog::get_table(spi, entry->table),
                              std::vector<std::string>(entry->values, entry->values + entry->value_count),
                              rows::SubjectLock::for_key_share)
            .archived;
    return found ? static_cast<int>(found->rows.size()) : 0;
}

bool is_alike(const NotedRow *one, const NotedRow *other) {
    bool is_same = one->table == other->table && one->value_count == other->value_count;
    for (int i = 0; is_same && i < one->value_count; i++) {
        const char *value = one->values[i];
        const char *others = other->values[i];
        is_same = value == others || (value != nullptr && others != nullptr && strcmp(value, others) == 0);
    }
    return is_same;
}

// Takes the last row that was noted off the list, with those that are like it: of a table without a key there may be some.
NotedRow *take_alike() {
    NotedRow *alike = noted;
    NotedRow **last = &alike->next;
    NotedRow **rest = &noted;
    for (NotedRow *entry = alike->next; entry != nullptr;) {
        NotedRow *next = entry->next;
        NotedRow **&list = is_alike(entry, alike) ? last : rest;
        *list = entry;
        list = &entry->next;
        entry = next;
    }
    *last = nullptr;
    *rest = nullptr;
    return alike;
}

// The archive has to have one more row for each than it had before the first of them.
void archive_missing(NotedRow *alike) {
    int wanted = INT_MAX;
    int count = 0;
    for (const NotedRow *entry = alike; entry != nullptr; entry = entry->next) {
        wanted = Min(wanted, entry->archived_before);
        count++;
    }
    int missing = wanted + count - pg::entry([&] { return count_archived(alike); });
    for (const NotedRow *entry = alike; entry != nullptr && missing > 0; entry = entry->next, missing--) {
        Relation relation = table_open(entry->relation, AccessShareLock);
        archive_row(relation, entry->row, entry->table);
        table_close(relation, NoLock);
        tell(entry->table);
    }
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
        read_values(relation, entry);
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
    while (noted != nullptr) {
        NotedRow *alike = take_alike();
        PushActiveSnapshot(GetTransactionSnapshot());
        archive_missing(alike);
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
