// Reads registrations from the relation cache.
#include "planner/registered_table.hpp"

#include "planner/extension_functions.hpp"

extern "C" {
#include "commands/trigger.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
}

#include <cstring>

namespace softdelete::planner {

namespace {

// The marker's arguments: deleted_at, deleted_by (empty where there is none), visibility.
constexpr int marker_arguments = 3;

AttrNumber get_column(Relation relation, const char *name) {
    AttrNumber attribute = get_attnum(RelationGetRelid(relation), name);
    if (attribute <= 0) {
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                        errmsg("column \"%s\" of registered table \"%s\" is missing", name,
                               RelationGetRelationName(relation)),
                        errhint("If it was renamed, give it its name back.")));
    }
    return attribute;
}

TableVisibility parse_visibility(const char *text) {
    if (strcmp(text, "view") == 0) {
        return TableVisibility::view;
    }
    return strcmp(text, "rls") == 0 ? TableVisibility::rls : TableVisibility::filter;
}

void read_marker(Relation relation, const Trigger *marker, RegisteredTable *table) {
    if (marker->tgnargs != marker_arguments) {
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("trigger \"%s\" of table \"%s\" was not made by softdelete.register()",
                               marker->tgname, RelationGetRelationName(relation)),
                        errhint("Drop the trigger and register the table.")));
    }
    table->relation = RelationGetRelid(relation);
    table->deleted_at = get_column(relation, marker->tgargs[0]);
    table->deleted_by =
        marker->tgargs[1][0] == '\0' ? InvalidAttrNumber : get_column(relation, marker->tgargs[1]);
    table->deletion_id = get_column(relation, "deletion_id");
    table->visibility = parse_visibility(marker->tgargs[2]);
    table->enabled = marker->tgenabled != TRIGGER_DISABLED;
}

} // namespace

bool is_marker_function(Oid function) {
    const ExtensionFunctions *functions = find_extension_functions();
    return functions != nullptr && functions->on_delete == function;
}

bool find_registered_table(Oid relation_id, RegisteredTable *table) {
    const ExtensionFunctions *functions = find_extension_functions();
    if (functions == nullptr) {
        return false;
    }
    Relation relation = RelationIdGetRelation(relation_id);
    if (relation == nullptr) {
        return false;
    }
    bool found = false;
    const TriggerDesc *triggers = relation->trigdesc;
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers && !found; i++) {
        if (triggers->triggers[i].tgfoid == functions->on_delete) {
            read_marker(relation, &triggers->triggers[i], table);
            found = true;
        }
    }
    RelationClose(relation);
    return found;
}

} // namespace softdelete::planner
