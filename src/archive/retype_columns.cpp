// The parse tree of the command is repeated, not its text: the USING expression is that of the user. What a column is generated
// from is one as well, since the archive computes no column itself. Called by ddl/follow_archive.
#include "archive/retype_columns.hpp"

#include "pg/compat.hpp"

extern "C" {
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "tcop/dest.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"
}

#include <cstring>

namespace softdelete::archive {

namespace {

// Columns that are named with their table, as in schema.table.column, lose its name: the expression is read anew for the
// archive and for each of its partitions.
bool take_names_off(Node *node, void *context) {
    if (node == nullptr) {
        return false;
    }
    if (IsA(node, ColumnRef)) {
        auto *reference = castNode(ColumnRef, node);
        int fields = list_length(reference->fields);
        if (fields >= 2) {
            auto *qualifier = static_cast<Node *>(list_nth(reference->fields, fields - 2));
            if (IsA(qualifier, String)
                && strcmp(strVal(qualifier), static_cast<const char *>(context)) == 0) {
                reference->fields = list_make1(llast(reference->fields));
            }
        }
        return false;
    }
    return raw_expression_tree_walker(node, pg::compat::walker(take_names_off), context);
}

// The command as the archive is to have it; null where there is nothing for it to do.
AlterTableCmd *repeat(const AlterTableCmd *command, Oid table, Oid archive) {
    bool sets_expression = pg::compat::sets_expression(command);
    if (command->subtype != AT_AlterColumnType && !sets_expression) {
        return nullptr;
    }
    AttrNumber column = get_attnum(table, command->name);
    if (column <= 0 || get_attnum(archive, command->name) <= 0) {
        return nullptr;
    }
    auto *repeated = static_cast<AlterTableCmd *>(copyObjectImpl(command));
    if (sets_expression) {
        auto *definition = makeNode(ColumnDef);
        definition->raw_default = repeated->def;
        repeated->subtype = AT_AlterColumnType;
        repeated->def = reinterpret_cast<Node *>(definition);
    }
    auto *definition = castNode(ColumnDef, repeated->def);
    definition->typeName = makeTypeNameFromOid(getBaseType(get_atttype(table, column)), -1);
    definition->cooked_default = nullptr;
    (void)take_names_off(definition->raw_default, get_rel_name(table));
    return repeated;
}

// A column that gets another type and another expression, in either order, is changed once: by the command with the expression.
List *add_once(List *commands, AlterTableCmd *command) {
    ListCell *cell;
    foreach (cell, commands) {
        const auto *earlier = lfirst_node(AlterTableCmd, cell);
        if (strcmp(earlier->name, command->name) != 0) {
            continue;
        }
        if (castNode(ColumnDef, earlier->def)->raw_default != nullptr) {
            return commands;
        }
        commands = foreach_delete_current(commands, cell);
    }
    return lappend(commands, command);
}

} // namespace

void retype_columns(const AlterTableStmt *command, Oid table, Oid archive) {
    auto *statement = makeNode(AlterTableStmt);
    ListCell *cell;
    foreach (cell, command->cmds) {
        AlterTableCmd *repeated = repeat(lfirst_node(AlterTableCmd, cell), table, archive);
        statement->cmds = repeated == nullptr ? statement->cmds : add_once(statement->cmds, repeated);
    }
    if (statement->cmds == NIL) {
        return;
    }
    statement->relation =
        makeRangeVar(get_namespace_name(get_rel_namespace(archive)), get_rel_name(archive), -1);
    statement->objtype = OBJECT_TABLE;
    auto *plan = makeNode(PlannedStmt);
    plan->commandType = CMD_UTILITY;
    plan->utilityStmt = reinterpret_cast<Node *>(statement);
    plan->stmt_location = -1;
    ProcessUtility(plan, "ALTER TABLE", false, PROCESS_UTILITY_SUBCOMMAND, nullptr, nullptr, None_Receiver,
                   nullptr);
    CommandCounterIncrement();
}

} // namespace softdelete::archive
