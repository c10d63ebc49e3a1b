// Answers whether the row that a child references is live. Called per row by triggers/check_parent. Probes the index
// that the foreign key itself uses; SQL is for partitioned parents, for periods, and where a lock is wanted.
#include "deletion/find_parent.hpp"

#include "pg/compat.hpp"
#include "pg/physical_rows.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_operator.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
}

namespace softdelete::deletion {

namespace {

Datum get_link(const catalog::ForeignKeyInfo &key, int column, Relation child, HeapTuple row) {
    bool is_null = true;
    return heap_getattr(row, key.child_columns[column], RelationGetDescr(child), &is_null);
}

// As ri_HashCompareOp() in src/backend/utils/adt/ri_triggers.c: a value of another type than the operator takes is cast
// to that. What no cast leads to is a polymorphic type, which takes the value as it is.
Datum cast_link(Datum value, Oid from, Oid to) {
    Oid function = InvalidOid;
    if (from == to || find_coercion_pathway(to, from, COERCION_IMPLICIT, &function) != COERCION_PATH_FUNC) {
        return value;
    }
    return OidFunctionCall3(function, value, Int32GetDatum(-1), BoolGetDatum(false));
}

// Scan keys in the order of the index's columns: parent column = child's value, by the constraint's operators.
void make_scan_keys(const catalog::ForeignKeyInfo &key, Relation index, Relation child, HeapTuple row,
                    ScanKeyData *scan_keys) {
    for (int i = 0; i < key.columns; i++) {
        int place = 0;
        while (index->rd_index->indkey.values[place] != key.parent_columns[i]) {
            place++;
        }
        Oid left = InvalidOid;
        Oid right = InvalidOid;
        op_input_types(key.equality[i], &left, &right);
        Oid opfamily = index->rd_opfamily[place];
        int strategy = get_op_opfamily_strategy(key.equality[i], opfamily);
        Oid type = TupleDescAttr(RelationGetDescr(child), key.child_columns[i] - 1)->atttypid;
        ScanKeyEntryInitialize(&scan_keys[place], 0, static_cast<AttrNumber>(place + 1),
                               static_cast<StrategyNumber>(strategy), right, index->rd_indcollation[place],
                               get_opcode(key.equality[i]),
                               cast_link(get_link(key, i, child, row), type, right));
    }
}

Parent make_parent(ParentState state) {
    Parent parent = {};
    parent.state = state;
    parent.written_by = InvalidCommandId;
    return parent;
}

// A deleted parent, whose version came with that transaction and command.
Parent make_deleted(TransactionId transaction, CommandId command, Oid table, const ItemPointerData &place,
                    int64 deletion) {
    Parent parent = make_parent(ParentState::deleted);
    parent.written_by = TransactionIdIsCurrentTransactionId(transaction) ? command : InvalidCommandId;
    parent.table = table;
    parent.place = place;
    parent.deletion = deletion;
    return parent;
}

Parent read_parent(TupleTableSlot *slot, const session::RegisteredTable &table) {
    bool is_null = true;
    (void)slot_getattr(slot, table.deleted_at, &is_null);
    if (is_null) {
        return make_parent(ParentState::live);
    }
    Datum deletion = slot_getattr(slot, table.deletion_id, &is_null);
    int64 id = is_null ? 0 : DatumGetInt64(deletion);
    Datum transaction = slot_getsysattr(slot, MinTransactionIdAttributeNumber, &is_null);
    Datum command = slot_getsysattr(slot, MinCommandIdAttributeNumber, &is_null);
    return make_deleted(DatumGetTransactionId(transaction), DatumGetCommandId(command), slot->tts_tableOid,
                        slot->tts_tid, id);
}

Parent probe(const catalog::ForeignKeyInfo &key, const session::RegisteredTable &table, Relation child,
             HeapTuple row) {
    Relation parent = table_open(key.parent, RowShareLock);
    Relation index = index_open(key.index, RowShareLock);
    ScanKeyData scan_keys[INDEX_MAX_KEYS];
    make_scan_keys(key, index, child, row, scan_keys);
    Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    IndexScanDesc scan = pg::compat::index_beginscan(parent, index, snapshot, key.columns);
    index_rescan(scan, scan_keys, key.columns, nullptr, 0);
    TupleTableSlot *slot = table_slot_create(parent, nullptr);
    Parent result = make_parent(ParentState::absent);
    while (result.state != ParentState::live && index_getnext_slot(scan, ForwardScanDirection, slot)) {
        result = read_parent(slot, table);
    }
    ExecDropSingleTupleTableSlot(slot);
    index_endscan(scan);
    UnregisterSnapshot(snapshot);
    index_close(index, NoLock);
    table_close(parent, NoLock);
    return result;
}

const char *quote_column(const catalog::ForeignKeyInfo &key, AttrNumber attribute) {
    return quote_identifier(get_attname(key.parent, attribute, false));
}

// SQL: the key's parents "p", live or deleted, with the child's values as $1 and so on.
void append_parents(StringInfo text, const catalog::ForeignKeyInfo &key,
                    const session::RegisteredTable &table) {
    bool is_partitioned = get_rel_relkind(key.parent) == RELKIND_PARTITIONED_TABLE;
    appendStringInfo(text, " FROM %s%s AS p WHERE softdelete.include_deleted(p.%s)",
                     is_partitioned ? "" : "ONLY ", catalog::quote_table(key.parent),
                     quote_column(key, table.deleted_at));
    for (int i = 0; i < key.columns; i++) {
        appendStringInfo(text, " AND p.%s", quote_column(key, key.parent_columns[i]));
        catalog::append_cast(text, get_atttype(key.parent, key.parent_columns[i]),
                             catalog::get_operand_type(key.equality[i], catalog::Side::left));
        catalog::append_operator(text, key.equality[i]);
        appendStringInfo(text, "$%d", i + 1);
        catalog::append_cast(text, get_atttype(key.child, key.child_columns[i]),
                             catalog::get_operand_type(key.equality[i], catalog::Side::right));
    }
}

const char *make_query(const catalog::ForeignKeyInfo &key, const session::RegisteredTable &table, bool lock) {
    StringInfoData text;
    initStringInfo(&text);
    appendStringInfo(&text,
                     "/* softdelete */ SELECT p.%s IS NULL, p.xmin, p.cmin, p.tableoid, p.ctid, "
                     "coalesce(p.%s, 0)",
                     quote_column(key, table.deleted_at), quote_column(key, table.deletion_id));
    append_parents(&text, key, table);
    appendStringInfoString(&text, lock ? " FOR KEY SHARE OF p" : "");
    return text.data;
}

// A period is present where those of the rows with the key cover it together; the period is the last column.
const char *make_period_query(const catalog::ForeignKeyInfo &key, const session::RegisteredTable &table,
                              bool lock) {
    StringInfoData text;
    initStringInfo(&text);
    const char *deleted_at = quote_column(key, table.deleted_at);
    const char *period = quote_column(key, key.parent_columns[key.columns - 1]);
    appendStringInfo(&text,
                     "/* softdelete */ SELECT coalesce($%d OPERATOR(pg_catalog.<@)"
                     " pg_catalog.range_agg(p.%s) FILTER (WHERE p.%s IS NULL), false)"
                     " FROM (SELECT p.%s, p.%s",
                     key.columns, period, deleted_at, period, deleted_at);
    append_parents(&text, key, table);
    appendStringInfo(&text, "%s) AS p HAVING $%d OPERATOR(pg_catalog.<@) pg_catalog.range_agg(p.%s)",
                     lock ? " FOR KEY SHARE OF p" : "", key.columns, period);
    return text.data;
}

// Runs such a query for the row's link and returns its first row, in SPI's memory; null where there is none. A query
// that is to see an older snapshot as it was must be read-only.
HeapTuple look_up(const catalog::ForeignKeyInfo &key, const char *sql, Relation child, HeapTuple row,
                  Snapshot snapshot, bool is_read_only) {
    Oid types[INDEX_MAX_KEYS];
    Datum values[INDEX_MAX_KEYS];
    for (int i = 0; i < key.columns; i++) {
        types[i] = TupleDescAttr(RelationGetDescr(child), key.child_columns[i] - 1)->atttypid;
        values[i] = get_link(key, i, child, row);
    }
    // Parsed as the extension's owner: the parent's needs no privilege on our schema.
    pg::Role runner = pg::act_as_owner(pg::find_extension_owner());
    auto *plan = pg::prepare_plan(sql, key.columns, types);
    pg::note_independent_of_role(plan);
    pg::act_as(runner);
    (void)pg::run_plan(plan, values, is_read_only, 1, snapshot, InvalidSnapshot, false);
    return SPI_processed == 0 ? nullptr : SPI_tuptable->vals[0];
}

// A column of what look_up() has found; it is never NULL.
Datum get_found(HeapTuple found, int column) {
    bool is_null = true;
    return SPI_getbinval(found, SPI_tuptable->tupdesc, column, &is_null);
}

Parent query(const catalog::ForeignKeyInfo &key, const session::RegisteredTable &table, Relation child,
             HeapTuple row, bool lock) {
    pg::connect_spi();
    pg::Acting acting = pg::begin_acting_in_command(pg::get_owner(key.parent), SECURITY_NOFORCE_RLS);
    bool is_of_one_row = catalog::compares_by_equality(key);
    const char *sql = is_of_one_row ? make_query(key, table, lock) : make_period_query(key, table, lock);
    HeapTuple found = look_up(key, sql, child, row, GetLatestSnapshot(), false);
    Parent result = make_parent(found == nullptr ? ParentState::absent : ParentState::live);
    if (found != nullptr && !DatumGetBool(get_found(found, 1))) {
        // A period may be of several rows, which no one command wrote.
        result = is_of_one_row ? make_deleted(
                     DatumGetTransactionId(get_found(found, 2)), DatumGetCommandId(get_found(found, 3)),
                     DatumGetObjectId(get_found(found, 4)),
                     *reinterpret_cast<const ItemPointerData *>(DatumGetPointer(get_found(found, 5))),
                     DatumGetInt64(get_found(found, 6)))
                               : make_parent(ParentState::deleted);
    }
    pg::end_acting(acting);
    SPI_finish();
    return result;
}

// The table or partition and the place of a parent.
struct Position {
    Oid table;
    ItemPointerData place;
};

// The parent of the row's link that the snapshot shows.
bool find_position(const catalog::ForeignKeyInfo &key, const session::RegisteredTable &table, Relation child,
                   HeapTuple row, Snapshot snapshot, Position *position) {
    StringInfoData text;
    initStringInfo(&text);
    appendStringInfoString(&text, "/* softdelete */ SELECT p.tableoid, p.ctid");
    append_parents(&text, key, table);
    HeapTuple found = look_up(key, text.data, child, row, snapshot, true);
    if (found == nullptr) {
        return false;
    }
    position->table = DatumGetObjectId(get_found(found, 1));
    position->place = *reinterpret_cast<const ItemPointerData *>(DatumGetPointer(get_found(found, 2)));
    return true;
}

} // namespace

bool is_same_parent(const catalog::ForeignKeyInfo &key, Relation child, HeapTuple old_row, Snapshot before,
                    HeapTuple row) {
    session::RegisteredTable table;
    if (!catalog::compares_by_equality(key) || !session::find_registered_table(key.parent, &table)) {
        return false;
    }
    pg::connect_spi();
    pg::Acting acting = pg::begin_acting_in_command(pg::get_owner(key.parent), SECURITY_NOFORCE_RLS);
    Position old_parent = {};
    Position parent = {};
    CommandCounterIncrement();
    bool is_same = find_position(key, table, child, old_row, before, &old_parent)
                   && find_position(key, table, child, row, GetLatestSnapshot(), &parent)
                   && old_parent.table == parent.table;
    if (is_same) {
        pg::follow_updates(old_parent.table, &old_parent.place, 1);
        is_same = ItemPointerEquals(&old_parent.place, &parent.place);
    }
    pg::end_acting(acting);
    SPI_finish();
    return is_same;
}

Parent find_parent(const catalog::ForeignKeyInfo &key, Relation child, HeapTuple row, bool lock) {
    session::RegisteredTable table;
    if (!session::find_registered_table(key.parent, &table)) {
        return make_parent(ParentState::live);
    }
    bool is_plain = get_rel_relkind(key.parent) == RELKIND_RELATION && catalog::compares_by_equality(key);
    return is_plain && !lock ? probe(key, table, child, row) : query(key, table, child, row, lock);
}

} // namespace softdelete::deletion
