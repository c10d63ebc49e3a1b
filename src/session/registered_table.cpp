// Reads registrations from the relation cache, and keeps what it read until the relation changes: a statement asks
// several times, and columns are looked up by name.
#include "session/registered_table.hpp"
#include "model/trigger_names.hpp"

#include "pg/definition_changes.hpp"
#include "pg/relation_changes.hpp"
#include "session/distributed_tables.hpp"
#include "session/extension_functions.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
}

#include <cstring>

namespace softdelete::session {

namespace {

// The marker's arguments: deleted_at, deleted_by (empty where there is none), visibility.
constexpr int marker_arguments = 3;

bool is_time(Oid type) {
    return type == TIMESTAMPTZOID || type == TIMESTAMPOID;
}

bool is_id(Oid type) {
    return type == INT8OID;
}

// A column retyped unseen would be taken for what it is not.
void check_type(Relation relation, AttrNumber attribute, bool (*is_right)(Oid)) {
    const FormData_pg_attribute *column = TupleDescAttr(RelationGetDescr(relation), attribute - 1);
    if (!is_right(getBaseType(column->atttypid))) {
        ereport(ERROR,
                (errcode(ERRCODE_DATATYPE_MISMATCH),
                 errmsg("column \"%s\" of registered table \"%s\" is of type %s", NameStr(column->attname),
                        RelationGetRelationName(relation), format_type_be(column->atttypid)),
                 errhint("Give the column its former type back.")));
    }
}

AttrNumber get_column(Relation relation, const char *name, bool missing_ok) {
    AttrNumber attribute = get_attnum(RelationGetRelid(relation), name);
    if (attribute <= 0 && !missing_ok) {
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                        errmsg("column \"%s\" of registered table \"%s\" is missing", name,
                               RelationGetRelationName(relation)),
                        errhint("Run softdelete.repair(), which finds a renamed column by the table's views. "
                                "Where it does not, give the column its name back, or add it.")));
    }
    return Max(attribute, InvalidAttrNumber);
}

TableVisibility parse_visibility(const char *text) {
    if (strcmp(text, "view") == 0) {
        return TableVisibility::view;
    }
    return strcmp(text, "rls") == 0 ? TableVisibility::rls : TableVisibility::filter;
}

RowPlace get_row_place(Relation relation, const Trigger *marker) {
    if (strcmp(marker->tgname, model::marker_trigger) != 0) {
        return RowPlace::is_shard;
    }
    return is_distributed(RelationGetRelid(relation)) ? RowPlace::shards : RowPlace::here;
}

void read_marker(Relation relation, const Trigger *marker, bool missing_ok, RegisteredTable *table) {
    if (marker->tgnargs != marker_arguments) {
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("trigger \"%s\" of table \"%s\" was not made by softdelete.register()",
                               marker->tgname, RelationGetRelationName(relation)),
                        errhint("Drop the trigger and register the table.")));
    }
    // The first look-up below may free the marker.
    const char *deleted_at = pstrdup(marker->tgargs[0]);
    const char *deleted_by = pstrdup(marker->tgargs[1]);
    table->visibility = parse_visibility(marker->tgargs[2]);
    table->enabled = marker->tgenabled != TRIGGER_DISABLED;
    table->rows = get_row_place(relation, marker);
    table->relation = RelationGetRelid(relation);
    table->deleted_at = get_column(relation, deleted_at, missing_ok);
    table->deleted_by =
        deleted_by[0] == '\0' ? InvalidAttrNumber : get_column(relation, deleted_by, missing_ok);
    table->deletion_id = get_column(relation, "deletion_id", missing_ok);
    if (!missing_ok) {
        check_type(relation, table->deleted_at, is_time);
        check_type(relation, table->deletion_id, is_id);
    }
}

// The marker in the relation cache; null where there is none.
const Trigger *find_marker(Relation relation, const ExtensionFunctions *functions) {
    const TriggerDesc *triggers = relation->trigdesc; // nothing is looked up
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
        // By its name too: who has nothing but the TRIGGER privilege can add another one, but not under this name.
        if (triggers->triggers[i].tgfoid == functions->on_delete
            && is_own_trigger_name(triggers->triggers[i].tgname, model::marker_trigger,
                                   RelationGetRelationName(relation))) {
            return &triggers->triggers[i];
        }
    }
    return nullptr;
}

// Reads into table where it is given.
bool read_table(Oid relation_id, const ExtensionFunctions *functions, bool missing_ok,
                RegisteredTable *table) {
    Relation relation = RelationIdGetRelation(relation_id);
    if (relation == nullptr) {
        return false;
    }
    const Trigger *marker = find_marker(relation, functions);
    bool is_found = marker != nullptr;
    if (is_found && table != nullptr) {
        read_marker(relation, marker, missing_ok, table);
    }
    RelationClose(relation);
    return is_found;
}

// What find_registered_table() answered for a relation.
struct KnownTable {
    Oid relation;  // hash key
    Oid on_delete; // the marker's function then
    bool is_registered;
    RegisteredTable table;
};

HTAB *known_tables = nullptr;
uint64 relation_changes = 1; // of relations, as this session has heard of them

const KnownTable *find_known(Oid relation, const ExtensionFunctions *functions) {
    const auto *known =
        static_cast<const KnownTable *>(hash_search(known_tables, &relation, HASH_FIND, nullptr));
    return known != nullptr && known->on_delete == functions->on_delete ? known : nullptr;
}

void keep(Oid relation, const ExtensionFunctions *functions, bool is_registered,
          const RegisteredTable &table) {
    auto *known = static_cast<KnownTable *>(hash_search(known_tables, &relation, HASH_ENTER, nullptr));
    known->on_delete = functions->on_delete;
    known->is_registered = is_registered;
    known->table = table;
}

void forget_all() {
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, known_tables);
    while (auto *known = static_cast<KnownTable *>(hash_seq_search(&scan))) {
        hash_search(known_tables, &known->relation, HASH_REMOVE, nullptr);
    }
}

void forget_relation(Oid relation) {
    relation_changes++;
    pg::note_relation_change();
    if (OidIsValid(relation)) {
        hash_search(known_tables, &relation, HASH_REMOVE, nullptr);
    } else {
        forget_all();
    }
}

} // namespace

uint64 count_relation_changes() noexcept {
    return relation_changes;
}

bool is_marker_function(Oid function) {
    const ExtensionFunctions *functions = find_extension_functions();
    return functions != nullptr && functions->on_delete == function;
}

bool find_registered_table(Oid relation, RegisteredTable *table) {
    const ExtensionFunctions *functions = find_extension_functions();
    if (functions == nullptr) {
        return false;
    }
    const KnownTable *known = find_known(relation, functions);
    uint64 changes_before = relation_changes;
    RegisteredTable found = {};
    bool is_registered =
        known != nullptr ? known->is_registered : read_table(relation, functions, false, &found);
    if (is_registered) {
        *table = known != nullptr ? known->table : found;
    }
    if (known == nullptr && relation_changes == changes_before) {
        keep(relation, functions, is_registered, found);
    }
    return is_registered;
}

bool find_damaged_table(Oid relation, RegisteredTable *table) {
    const ExtensionFunctions *functions = find_extension_functions();
    return functions != nullptr && read_table(relation, functions, true, table);
}

bool is_registered_table(Oid relation) {
    const ExtensionFunctions *functions = find_extension_functions();
    if (functions == nullptr) {
        return false;
    }
    const KnownTable *known = find_known(relation, functions);
    return known != nullptr ? known->is_registered : read_table(relation, functions, true, nullptr);
}

bool has_triggers(Oid relation) {
    HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
    if (!HeapTupleIsValid(row)) {
        return false;
    }
    bool has = reinterpret_cast<Form_pg_class>(GETSTRUCT(row))->relhastriggers;
    ReleaseSysCache(row);
    return has;
}

bool has_own_trigger(Oid relation_id) {
    Relation relation = has_triggers(relation_id) ? RelationIdGetRelation(relation_id) : nullptr;
    if (relation == nullptr) {
        return false;
    }
    const TriggerDesc *triggers = relation->trigdesc; // nothing is looked up
    bool found = false;
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
        found = found
                || strncmp(triggers->triggers[i].tgname, model::own_trigger_prefix,
                           strlen(model::own_trigger_prefix))
                       == 0;
    }
    RelationClose(relation);
    return found;
}

bool has_trigger(Oid relation_id, const char *name) {
    Relation relation = has_triggers(relation_id) ? RelationIdGetRelation(relation_id) : nullptr;
    if (relation == nullptr) {
        return false;
    }
    const TriggerDesc *triggers = relation->trigdesc; // nothing is looked up
    bool found = false;
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
        found = found || strcmp(triggers->triggers[i].tgname, name) == 0;
    }
    RelationClose(relation);
    return found;
}

void install_registered_tables() {
    HASHCTL control = {};
    control.keysize = sizeof(Oid);
    control.entrysize = sizeof(KnownTable);
    known_tables = hash_create("softdelete tables", 64, &control, HASH_ELEM | HASH_BLOBS);
    pg::on_relation_change(forget_relation);
}

} // namespace softdelete::session
