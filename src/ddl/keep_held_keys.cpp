// When sql_drop fires, the dropped constraint is gone for every snapshot. Its row in pg_constraint is still there and is
// read with SnapshotAny: the version that this command deleted. Called by the event trigger on sql_drop.
#include "ddl/keep_held_keys.hpp"

#include "catalog/based_types.hpp"
#include "catalog/foreign_key_info.hpp"
#include "catalog/foreign_keys.hpp"
#include "holds/held_rows.hpp"
#include "holds/hold_errors.hpp"
#include "holds/hold_tables.hpp"
#include "pg/dropped_objects.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "registry/hold_log.hpp"
#include "registry/registry_scan.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_constraint.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
}

namespace softdelete::ddl {

namespace {

// Tables whose key has a column of that enum type, or of one that is made of it.
constexpr const char *enum_query = R"(
    SELECT DISTINCT k.conrelid
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
    WHERE k.contype = 'p' AND a.atttypid IN (SELECT b.type FROM based b))";

constexpr const char *hold_query = R"(
    SELECT h.id, c.relname
    FROM softdelete_internal.hold h JOIN pg_catalog.pg_class c ON c.oid = h.relation
    WHERE h.released_at IS NULL AND h.relation = ANY ($1::pg_catalog.oid[])
    ORDER BY h.id LIMIT 1)";

struct DroppedKey {
    bool is_primary; // otherwise a foreign key
    catalog::ForeignKeyInfo key;
};

// A key that goes with its table is not meant, nor is the copy that a partition has of one.
bool is_meant(Form_pg_constraint form) {
    if (get_rel_name(form->conrelid) == nullptr) {
        return false;
    }
    return form->contype == CONSTRAINT_PRIMARY
           || (form->contype == CONSTRAINT_FOREIGN && form->confdeltype == FKCONSTR_ACTION_CASCADE
               && !OidIsValid(form->conparentid) && get_rel_name(form->confrelid) != nullptr);
}

void read_columns(HeapTuple row, catalog::ForeignKeyInfo *key) {
    bool is_null = true;
    Datum columns = SysCacheGetAttr(CONSTROID, row, Anum_pg_constraint_conkey, &is_null);
    ArrayType *array = is_null ? nullptr : DatumGetArrayTypeP(columns);
    key->columns = array == nullptr ? 0 : ARR_DIMS(array)[0];
    for (int i = 0; i < key->columns; i++) {
        key->child_columns[i] = reinterpret_cast<AttrNumber *>(ARR_DATA_PTR(array))[i];
    }
}

// The scan finds the versions that earlier commands of this transaction updated as well: each points to the next one.
bool is_deleted_version(HeapTuple row) {
    HeapTupleHeader header = row->t_data;
    return (header->t_infomask & HEAP_XMAX_INVALID) == 0 && !HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask)
           && TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(header))
           && ItemPointerEquals(&row->t_self, &header->t_ctid);
}

bool read_dropped(Oid constraint, DroppedKey *dropped) {
    Relation catalog = table_open(ConstraintRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_constraint_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(constraint));
    SysScanDesc scan = systable_beginscan(catalog, ConstraintOidIndexId, true, SnapshotAny, 1, &key);
    HeapTuple row = systable_getnext(scan);
    while (HeapTupleIsValid(row) && !is_deleted_version(row)) {
        row = systable_getnext(scan);
    }
    const auto *form = HeapTupleIsValid(row) ? reinterpret_cast<Form_pg_constraint>(GETSTRUCT(row)) : nullptr;
    bool found = form != nullptr && is_meant(const_cast<Form_pg_constraint>(form));
    if (found) {
        dropped->is_primary = form->contype == CONSTRAINT_PRIMARY;
        dropped->key.constraint = constraint;
        dropped->key.child = form->conrelid;
        dropped->key.parent = form->confrelid;
        dropped->key.name = form->conname;
        if (dropped->is_primary) {
            read_columns(row, &dropped->key);
        } else {
            DeconstructFkConstraintRow(row, &dropped->key.columns, dropped->key.child_columns,
                                       dropped->key.parent_columns, dropped->key.equality, nullptr, nullptr,
                                       nullptr, nullptr);
        }
    }
    systable_endscan(scan);
    table_close(catalog, AccessShareLock);
    return found;
}

bool has_same_primary_key(pg::Spi &spi, const catalog::ForeignKeyInfo &key) {
    std::vector<std::string> columns;
    for (int i = 0; i < key.columns; i++) {
        columns.push_back(std::to_string(key.child_columns[i]));
    }
    return !spi.query_kept(
                   "SELECT FROM pg_catalog.pg_constraint WHERE conrelid = $1::pg_catalog.oid AND contype "
                   "= 'p'"
                   " AND conkey = $2::pg_catalog.int2[]",
                   {key.child, pg::make_array(columns)})
                .empty();
}

void keep_primary_key(const catalog::ForeignKeyInfo &key) {
    holds::lock_holds_of(key.child);
    if (!registry::has_hold(key.child)) {
        return;
    }
    pg::entry([&] {
        pg::Spi spi;
        if (!has_same_primary_key(spi, key)) {
            pg::raise(
                {.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                 .message =
                     sqltext::format("cannot drop the primary key of table \"%1%\" because rows of it are "
                                     "on hold",
                                     pg::call([&] { return get_rel_name(key.child); })),
                 .detail = "Holds name their rows by the columns of the primary key.",
                 .hint = "Release the holds by softdelete.release(), and hold the rows anew afterwards.",
                 .relation = key.child});
        }
    });
}

// The columns of one side; false where one of them is gone.
bool read_side(Oid relation, const AttrNumber *columns, int count, catalog::LinkColumns *side) {
    for (int i = 0; i < count; i++) {
        Oid type = pg::call([&] { return get_atttype(relation, columns[i]); });
        if (!OidIsValid(type)) {
            return false;
        }
        side->names.push_back(
            pg::call([&] { return quote_identifier(get_attname(relation, columns[i], false)); }));
        side->types.push_back(pg::call([&] { return getBaseType(type); }));
    }
    return true;
}

// "p.a OPERATOR(pg_catalog.=) c.b AND ...", with casts to what the operators take.
std::string make_comparison(const catalog::ForeignKeyInfo &key) {
    return pg::call([&] {
        StringInfoData text;
        initStringInfo(&text);
        for (int i = 0; i < key.columns; i++) {
            Oid equality = key.equality[i];
            appendStringInfo(&text, "%sp.%s", i == 0 ? "" : " AND ",
                             quote_identifier(get_attname(key.parent, key.parent_columns[i], false)));
            catalog::append_cast(&text, get_atttype(key.parent, key.parent_columns[i]),
                                 catalog::get_operand_type(equality, catalog::Side::left));
            catalog::append_operator(&text, equality);
            appendStringInfo(&text, "c.%s",
                             quote_identifier(get_attname(key.child, key.child_columns[i], false)));
            catalog::append_cast(&text, get_atttype(key.child, key.child_columns[i]),
                                 catalog::get_operand_type(equality, catalog::Side::right));
        }
        return text.data;
    });
}

// The key as it was, of one partition where it was about one. Where a column went along, nobody can say any more which rows it joined: it might be any.
catalog::ForeignKey restore_key(pg::Spi &spi, const catalog::ForeignKeyInfo &dropped) {
    catalog::ForeignKey key = {};
    key.name = NameStr(dropped.name);
    key.child = catalog::get_table(spi, dropped.child);
    key.child.title = sqltext::format("\"%1%\"", pg::call([&] { return get_rel_name(dropped.child); }));
    key.parent = catalog::get_table(spi, dropped.parent);
    key.on_delete = catalog::OnDelete::cascade;
    if (read_side(dropped.child, dropped.child_columns, dropped.columns, &key.child_link)
        && read_side(dropped.parent, dropped.parent_columns, dropped.columns, &key.parent_link)) {
        key.comparison = make_comparison(dropped);
    } else {
        key.comparison = "true";
        key.child_link = {};
        key.parent_link = {};
    }
    key.child_link.partition = catalog::make_partition_condition(spi, dropped.child);
    key.parent_link.partition = catalog::make_partition_condition(spi, dropped.parent);
    return key;
}

void keep_link(const catalog::ForeignKeyInfo &dropped) {
    holds::lock_holds_of(dropped.parent);
    pg::entry([&] {
        pg::Spi spi;
        catalog::ForeignKey key = restore_key(spi, dropped);
        if (auto hold = holds::find_hold_through(spi, key, true)) {
            holds::raise_lost_link(key, *hold, "drop");
        }
    });
}

} // namespace

void keep_held_keys() {
    if (!registry::has_active_holds()) {
        return;
    }
    ListCell *cell;
    foreach (cell, pg::get_dropped_objects()) {
        const auto *object = static_cast<const pg::DroppedObject *>(lfirst(cell));
        DroppedKey dropped = {};
        if (object->class_id != ConstraintRelationId || !read_dropped(object->object_id, &dropped)) {
            continue;
        }
        if (dropped.is_primary) {
            keep_primary_key(dropped.key);
        } else {
            keep_link(dropped.key);
        }
    }
}

void keep_held_values(const AlterEnumStmt *alter) {
    Oid type = alter->oldVal == nullptr ? InvalidOid
                                        : typenameTypeId(nullptr, makeTypeNameFromNameList(alter->typeName));
    if (!OidIsValid(type)) {
        return;
    }
    pg::entry([&] {
        pg::Spi spi;
        if (spi.query_kept("SELECT FROM pg_catalog.pg_type WHERE oid = $1::pg_catalog.oid AND "
                           "pg_catalog.pg_has_role(typowner, 'USAGE')",
                           {type})
                .empty()) {
            return;
        }
        pg::UserScope owner(pg::get_extension_owner());
        std::vector<std::string> tables;
        for (const pg::Row &row : spi.query(std::string(catalog::with_based_types) + enum_query, {type})) {
            tables.push_back(row.text(0));
            pg::call([relation = row.oid(0)] { holds::lock_holds_of(relation); });
        }
        std::vector<pg::Row> holds = spi.query(hold_query, {pg::make_array(tables)});
        if (!holds.empty()) {
            pg::raise(
                {.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                 .message =
                     sqltext::format("cannot rename a value of type %1% because keys of rows of "
                                     "table \"%2%\" that are on hold have this type",
                                     pg::call([&] { return format_type_be(type); }), holds.front().text(1)),
                 .detail = sqltext::format("Hold %1% is in force.", holds.front().text(0)),
                 .hint = "SELECT * FROM softdelete.holds lists the holds; softdelete.release() ends one."});
        }
    });
}

} // namespace softdelete::ddl
