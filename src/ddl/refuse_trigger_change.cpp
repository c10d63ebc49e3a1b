// Works on raw statements, and on the relation cache: a trigger is ours by the function that it calls.
#include "ddl/refuse_trigger_change.hpp"

#include "ddl/is_concerned.hpp"
#include "ddl/parse_tree.hpp"
#include "history/follow_table.hpp"
#include "history/tracked_table.hpp"
#include "holds/hold_check.hpp"
#include "model/trigger_names.hpp"
#include "pg/compat.hpp"
#include "pg/relation_cache.hpp"
#include "registry/archive_scan.hpp"
#include "registry/history_scan.hpp"
#include "registry/registry_scan.hpp"
#include "session/extension_functions.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_func.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/rls.h"
}

#include <cstring>

namespace softdelete::ddl {

namespace {

// What a statement does to one trigger, or to all of a table's.
struct TriggerChange {
    Oid table;
    const char *trigger; // null for all
    const char *verb;    // "drop", "rename", ...; null for nothing that concerns us
};

// The trigger of ours by that name; InvalidOid where there is none. name: null for any.
Oid find_own_trigger(Oid relation_id, const char *name) {
    Relation relation = session::has_triggers(relation_id) ? RelationIdGetRelation(relation_id) : nullptr;
    if (relation == nullptr) {
        return InvalidOid;
    }
    Oid found = InvalidOid;
    const TriggerDesc *triggers = pg::copy_triggers(relation);
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers && !OidIsValid(found); i++) {
        const Trigger &trigger = triggers->triggers[i];
        bool is_meant = name == nullptr || strcmp(trigger.tgname, name) == 0;
        found = is_meant && session::is_trigger_function(trigger.tgfoid) ? trigger.tgoid : InvalidOid;
    }
    RelationClose(relation);
    return found;
}

// A table that is no part of a registration, and references none, needs none of the triggers that it has.
bool needs_triggers(Oid relation) {
    return OidIsValid(registry::find_registered_relation(relation)) || references_registered(relation)
           || OidIsValid(registry::find_archived_relation(relation))
           || history::find_tracked_table(relation) != nullptr || registry::is_kept_table(relation);
}

// Would rows on hold, or the history of some, be lost without the triggers?
bool keeps_held_rows(Oid relation) {
    Oid tracked = history::find_table_of_member(relation);
    return holds::has_held_rows(OidIsValid(tracked) ? tracked : relation);
}

// Is it the history that needs the trigger, or that alone needs any?
bool is_of_history(Oid relation, const char *trigger) {
    bool is_named =
        trigger != nullptr && strncmp(trigger, model::history_trigger, strlen(model::history_trigger)) == 0;
    return is_named
           || (trigger == nullptr && !OidIsValid(registry::find_registered_relation(relation))
               && !OidIsValid(registry::find_archived_relation(relation))
               && history::find_tracked_table(relation) != nullptr);
}

TriggerChange get_drop(List *name) {
    List *table = list_truncate(list_copy(name), list_length(name) - 1);
    return {table == NIL ? InvalidOid : find_relation(makeRangeVarFromNameList(table)), strVal(llast(name)),
            "drop"};
}

TriggerChange get_trigger_change(const AlterTableCmd *command, Oid table) {
    switch (command->subtype) {
    case AT_DisableTrig:
        return {table, command->name, "disable"};
    case AT_EnableReplicaTrig:
        return {table, command->name, "disable"};
    case AT_DisableTrigUser:
        return {table, nullptr, "disable"};
    case AT_DisableTrigAll:
        // Where deleted rows are marked, the planner keeps them all the same. Elsewhere nothing would be archived or recorded,
        // and archives and histories would be anybody's to write who owns them.
        return session::has_trigger(table, model::archive_trigger) || history::is_tracked(table)
                       || registry::is_kept_table(table)
                   ? TriggerChange{table, nullptr, "disable"}
                   : TriggerChange{};
    default:
        return {};
    }
}

TriggerChange get_trigger_change(const DdlCommand &command) {
    const Node *statement = command.node;
    if (IsA(statement, RenameStmt)) {
        const auto *rename = castNode(RenameStmt, const_cast<Node *>(statement));
        if (rename->renameType == OBJECT_TRIGGER) {
            return {command.relation, rename->subname, "rename"};
        }
    } else if (IsA(statement, AlterObjectDependsStmt)) {
        const auto *depends = castNode(AlterObjectDependsStmt, const_cast<Node *>(statement));
        bool is_own = !depends->remove && strcmp(strVal(depends->extname), "softdelete") == 0;
        if (depends->objectType == OBJECT_TRIGGER && !is_own) {
            return {command.relation, strVal(llast(castNode(List, depends->object))),
                    "change the dependencies of"};
        }
    }
    return {};
}

[[noreturn]] void report_history(Oid relation, const TriggerChange &change, bool is_drop) {
    const char *table = get_rel_name(relation);
    ereport(
        ERROR,
        (errcode(is_drop ? ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST : ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
         change.trigger == nullptr
             ? errmsg("cannot %s the user triggers of table \"%s\"", change.verb, table)
             : errmsg("cannot %s trigger \"%s\" of table \"%s\"", change.verb, change.trigger, table),
         errdetail("It records the history of the table."),
         errhint("Disable triggers of your own by name. softdelete.untrack_history() ends the history.")));
    pg_unreachable();
}

[[noreturn]] void report_kept(Oid relation, const TriggerChange &change, bool is_drop) {
    const char *kind = OidIsValid(history::find_table_of_member(relation)) ? "history" : "archive";
    ereport(
        ERROR,
        (errcode(is_drop ? ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST : ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
         change.trigger == nullptr
             ? errmsg("cannot %s the user triggers of %s \"%s\"", change.verb, kind, get_rel_name(relation))
             : errmsg("cannot %s trigger \"%s\" of %s \"%s\"", change.verb, change.trigger, kind,
                      get_rel_name(relation)),
         errdetail("It keeps all but softdelete from writing there."),
         errhint("Disable triggers of your own by name. %s",
                 kind[0] == 'h' ? "softdelete.untrack_history() ends the history."
                                : "softdelete.unregister() ends the archive.")));
    pg_unreachable();
}

[[noreturn]] void report(Oid relation, const TriggerChange &change) {
    bool is_drop = strcmp(change.verb, "drop") == 0;
    if (registry::is_kept_table(relation)) {
        report_kept(relation, change, is_drop);
    }
    if (is_of_history(relation, change.trigger)) {
        report_history(relation, change, is_drop);
    }
    Oid root = registry::find_registered_relation(relation);
    root = OidIsValid(root) ? root : registry::find_archived_relation(relation);
    const char *kind = OidIsValid(root) ? "registered table" : "table";
    const char *table = get_rel_name(relation);
    const char *name = OidIsValid(root) ? quote_literal_cstr(quote_qualified_identifier(
                           get_namespace_name(get_rel_namespace(root)), get_rel_name(root)))
                                        : "";
    ereport(
        ERROR,
        (errcode(is_drop ? ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST : ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
         change.trigger == nullptr
             ? errmsg("cannot %s the user triggers of %s \"%s\"", change.verb, kind, table)
             : errmsg("cannot %s trigger \"%s\" of %s \"%s\"", change.verb, change.trigger, kind, table),
         change.trigger == nullptr ? errdetail("Those of softdelete are among them.") : 0,
         change.trigger == nullptr ? errhint("Disable triggers of your own by name.")
         : strcmp(change.verb, "disable") == 0 && strcmp(kind, "table") != 0 ? errhint(
               "To remove rows physically, set softdelete.deletion to hard. To give soft delete up, use "
               "softdelete.unregister().")
         : strcmp(kind, "table") == 0 ? errhint(
               "It keeps rows from referencing deleted ones. It goes with the foreign key, or when the "
               "referenced table is unregistered.")
                                      : errhint("Run SELECT * FROM softdelete.unregister(%s) first.", name)));
    pg_unreachable();
}

void refuse(const TriggerChange &change) {
    Oid relation = change.table;
    if (change.verb == nullptr || !OidIsValid(relation)
        || !OidIsValid(find_own_trigger(relation, change.trigger))
        || !pg::compat::owns_relation(relation, GetUserId())) {
        return; // the server says who may not, and what is not there
    }
    // Rows on hold are lost with the triggers that keep them.
    if (needs_triggers(relation) && (row_security || keeps_held_rows(relation))) {
        report(relation, change);
    }
}

// Would the statement make the trigger that is there? What it says of the table and the function has been looked up.
bool says_the_same(const CreateTrigStmt *create, Oid existing) {
    const char *definition =
        TextDatumGetCString(DirectFunctionCall1(pg_get_triggerdef, ObjectIdGetDatum(existing)));
    const auto *raw = linitial_node(RawStmt, raw_parser(definition, RAW_PARSE_DEFAULT)); // looks up no name
    auto *there = static_cast<CreateTrigStmt *>(copyObjectImpl(raw->stmt));
    auto *wanted = static_cast<CreateTrigStmt *>(copyObjectImpl(create));
    there->replace = wanted->replace;
    there->relation = wanted->relation;
    there->funcname = wanted->funcname;
    return equal(there, wanted);
}

void refuse_replacement(const CreateTrigStmt *create, Oid relation, Oid function) {
    Oid existing = create->replace ? find_own_trigger(relation, create->trigname) : InvalidOid;
    if (!OidIsValid(existing) || !needs_triggers(relation)) {
        return;
    }
    bool is_same = session::is_trigger_function(function) && says_the_same(create, existing);
    bool is_restore = !row_security && !keeps_held_rows(relation);
    if (!pg::compat::owns_relation(relation, GetUserId()) || (!is_same && !is_restore)) {
        report(relation, {relation, create->trigname, "replace"});
    }
}

// The marker registers a table, for everybody: who may not alter the table may not make it one.
void refuse_creation(const CreateTrigStmt *create, Oid relation) {
    if (!OidIsValid(relation)) {
        return;
    }
    Oid function = LookupFuncName(create->funcname, 0, nullptr, true);
    refuse_replacement(create, relation, function);
    if (OidIsValid(function) && session::is_trigger_function(function)
        && !pg::compat::owns_relation(relation, GetUserId())) {
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("must be owner of table %s", get_rel_name(relation)),
                        errdetail("Triggers that call functions of softdelete change what the table is."),
                        errhint("Let the owner register the table with softdelete.register().")));
    }
}

} // namespace

void refuse_trigger_change(const DdlCommand &command) {
    const Node *statement = command.node;
    ListCell *cell;
    if (IsA(statement, CreateTrigStmt)) {
        refuse_creation(castNode(CreateTrigStmt, const_cast<Node *>(statement)), command.relation);
    } else if (IsA(statement, DropStmt)) {
        const auto *drop = castNode(DropStmt, const_cast<Node *>(statement));
        if (drop->removeType == OBJECT_TRIGGER) {
            foreach (cell, drop->objects) {
                refuse(get_drop(lfirst_node(List, cell)));
            }
        }
    } else if (IsA(statement, AlterTableStmt)) {
        const auto *alter = castNode(AlterTableStmt, const_cast<Node *>(statement));
        foreach (cell, alter->cmds) {
            refuse(get_trigger_change(lfirst_node(AlterTableCmd, cell), command.relation));
        }
    } else {
        refuse(get_trigger_change(command));
    }
}

} // namespace softdelete::ddl
