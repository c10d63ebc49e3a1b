// Reads registrations from the relation cache.
#include "planner/registered_table.hpp"

#include "planner/extension_functions.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
}

#include <cstring>

namespace softdelete::planner {

namespace {

// The marker's arguments: deleted_at, deleted_by (empty where there is none), visibility.
constexpr int marker_arguments = 3;

// What all names of our triggers begin with.
constexpr char name_prefix[] = "softdelete_";

AttrNumber get_column(Relation relation, const char *name, bool missing_ok) {
    AttrNumber attribute = get_attnum(RelationGetRelid(relation), name);
    if (attribute <= 0 && !missing_ok) {
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                        errmsg("column \"%s\" of registered table \"%s\" is missing", name,
                               RelationGetRelationName(relation)),
                        errhint("If it was renamed, give it its name back. If it was dropped, add it and run "
                                "softdelete.repair().")));
    }
    return Max(attribute, InvalidAttrNumber);
}

TableVisibility parse_visibility(const char *text) {
    if (strcmp(text, "view") == 0) {
        return TableVisibility::view;
    }
    return strcmp(text, "rls") == 0 ? TableVisibility::rls : TableVisibility::filter;
}

void read_marker(Relation relation, const Trigger *marker, bool missing_ok, RegisteredTable *table) {
    if (marker->tgnargs != marker_arguments) {
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("trigger \"%s\" of table \"%s\" was not made by softdelete.register()",
                               marker->tgname, RelationGetRelationName(relation)),
                        errhint("Drop the trigger and register the table.")));
    }
    table->relation = RelationGetRelid(relation);
    table->deleted_at = get_column(relation, marker->tgargs[0], missing_ok);
    table->deleted_by = marker->tgargs[1][0] == '\0' ? InvalidAttrNumber
                                                     : get_column(relation, marker->tgargs[1], missing_ok);
    table->deletion_id = get_column(relation, "deletion_id", missing_ok);
    table->visibility = parse_visibility(marker->tgargs[2]);
    table->enabled = marker->tgenabled != TRIGGER_DISABLED;
}

// The marker in the relation cache; null where there is none.
const Trigger *find_marker(Relation relation, const ExtensionFunctions *functions) {
    const TriggerDesc *triggers = relation->trigdesc;
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
        if (triggers->triggers[i].tgfoid == functions->on_delete) {
            return &triggers->triggers[i];
        }
    }
    return nullptr;
}

// Reads into table where it is given.
bool find_table(Oid relation_id, bool missing_ok, RegisteredTable *table) {
    const ExtensionFunctions *functions = find_extension_functions();
    if (functions == nullptr) {
        return false;
    }
    Relation relation = RelationIdGetRelation(relation_id);
    if (relation == nullptr) {
        return false;
    }
    const Trigger *marker = find_marker(relation, functions);
    if (marker != nullptr && table != nullptr) {
        read_marker(relation, marker, missing_ok, table);
    }
    RelationClose(relation);
    return marker != nullptr;
}

} // namespace

bool is_marker_function(Oid function) {
    const ExtensionFunctions *functions = find_extension_functions();
    return functions != nullptr && functions->on_delete == function;
}

bool find_registered_table(Oid relation, RegisteredTable *table) {
    return find_table(relation, false, table);
}

bool find_damaged_table(Oid relation, RegisteredTable *table) {
    return find_table(relation, true, table);
}

bool is_registered_table(Oid relation) {
    return find_table(relation, true, nullptr);
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
    const TriggerDesc *triggers = relation->trigdesc;
    bool found = false;
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
        found = found || strncmp(triggers->triggers[i].tgname, name_prefix, strlen(name_prefix)) == 0;
    }
    RelationClose(relation);
    return found;
}

} // namespace softdelete::planner
