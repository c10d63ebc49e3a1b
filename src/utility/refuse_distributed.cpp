// Citus sends a command to the nodes of shards as it was written, and views and indexes have to follow it in step on all of
// them. Until that is done they are refused: unregister the table, which keeps its rows, and register it again.
#include "utility/refuse_distributed.hpp"

#include "catalog/foreign_key_info.hpp"
#include "ddl/command_table.hpp"
#include "model/trigger_names.hpp"
#include "session/distributed_tables.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "catalog/dependency.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "nodes/makefuncs.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"
}

#include <cstring>

namespace softdelete::utility {

namespace {

// Of DROP TRIGGER as well, which names its table otherwise than other commands.
Oid find_named_table(Node *statement) {
    if (!IsA(statement, DropStmt)) {
        return ddl::read_command(statement).relation;
    }
    const DropStmt *drop = castNode(DropStmt, statement);
    if (drop->removeType != OBJECT_TRIGGER && drop->removeType != OBJECT_POLICY) {
        return InvalidOid;
    }
    List *name = linitial_node(List, drop->objects);
    List *table = list_truncate(list_copy(name), list_length(name) - 1);
    return table == NIL ? InvalidOid : ddl::find_relation(makeRangeVarFromNameList(table));
}

bool changes_table(const Node *statement) {
    switch (nodeTag(statement)) {
    case T_AlterTableStmt:
    case T_IndexStmt:
    case T_RenameStmt:
    case T_AlterObjectSchemaStmt:
    case T_CreateTrigStmt:
    case T_CreatePolicyStmt:
    case T_AlterPolicyStmt:
    case T_RuleStmt:
        return true;
    default:
        return false;
    }
}

[[noreturn]] void refuse(const char *message, Oid relation) {
    const char *name =
        quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), get_rel_name(relation));
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg(message, get_rel_name(relation)),
                    errhint("Run SELECT softdelete.unregister(%s, 'keep'), then the command, then "
                            "softdelete.register() again, which finds the deleted rows.",
                            quote_literal_cstr(name))));
    pg_unreachable();
}

bool is_registered_distributed(Oid relation) {
    session::RegisteredTable table;
    return session::has_triggers(relation) && session::find_damaged_table(relation, &table)
           && table.rows == session::RowPlace::shards;
}

// After it has been enabled, which is the last of the commands that make it.
void drop_guard_of_shard(Node *statement) {
    if (!IsA(statement, AlterTableStmt)) {
        return;
    }
    const AlterTableStmt *alter = castNode(AlterTableStmt, statement);
    const AlterTableCmd *command = linitial_node(AlterTableCmd, alter->cmds);
    bool is_guard = command->subtype == AT_EnableAlwaysTrig
                    && strncmp(command->name, model::truncate_trigger, strlen(model::truncate_trigger)) == 0;
    Oid relation = is_guard ? ddl::find_relation(alter->relation) : InvalidOid;
    Oid trigger = OidIsValid(relation) && session::is_shard(relation)
                      ? get_trigger_oid(relation, command->name, true)
                      : InvalidOid;
    if (OidIsValid(trigger)) {
        ObjectAddress guard;
        ObjectAddressSet(guard, TriggerRelationId, trigger);
        performDeletion(&guard, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
    }
}

} // namespace

bool is_of_shard(Node *statement) {
    if (!session::is_citus_loaded()) {
        return false;
    }
    Oid relation = find_named_table(statement);
    return OidIsValid(relation)
           && (session::is_shard(relation)
               || (session::is_distributed(relation) && !session::is_coordinator()));
}

bool follow_other_node(Node *statement) {
    if (!is_of_shard(statement)) {
        return false;
    }
    drop_guard_of_shard(statement);
    return true;
}

void refuse_distributed_change(const ddl::DdlCommand &command) {
    if (!session::is_citus_loaded() || !changes_table(command.node)) {
        return;
    }
    ListCell *cell;
    foreach (cell, ddl::find_changed_tables(command)) {
        if (is_registered_distributed(lfirst_oid(cell))) {
            refuse("cannot change registered table \"%s\", which is a table of Citus", lfirst_oid(cell));
        }
    }
}

void refuse_link_to_distributed(const ddl::DdlCommand &command) {
    bool may_link = IsA(command.node, CreateStmt) || IsA(command.node, AlterTableStmt);
    if (!session::is_citus_loaded() || !may_link || !OidIsValid(command.relation)
        || !session::has_triggers(command.relation)) {
        return;
    }
    Relation child = RelationIdGetRelation(command.relation);
    if (!RelationIsValid(child)) {
        return;
    }
    ListCell *cell;
    foreach (cell, catalog::find_keys_to(child, InvalidOid)) {
        Oid parent = static_cast<const catalog::ForeignKeyInfo *>(lfirst(cell))->parent;
        if (parent != command.relation && is_registered_distributed(parent)
            && !session::has_own_trigger(command.relation)) {
            RelationClose(child);
            refuse("cannot reference registered table \"%s\", which is a table of Citus, by a new foreign "
                   "key",
                   parent);
        }
    }
    RelationClose(child);
}

} // namespace softdelete::utility
