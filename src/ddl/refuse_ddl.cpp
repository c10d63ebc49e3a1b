// Refuses commands that would take a registration apart. Event triggers call it: before the command for what the
// statement says, after it for what the server's list of dropped objects says.
#include "ddl/refuse_ddl.hpp"
#include "model/trigger_names.hpp"
#include "sqltext/format.hpp"

#include "ddl/parse_tree.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "commands/extension.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
}

#include <cstring>

namespace softdelete::ddl {

namespace {

// Objects of ours that are gone from tables that are not. An inheritance child is registered by its parent.
constexpr const char *lost_query = R"(
    WITH RECURSIVE lost AS (
        SELECT d.object_type, d.address_names, c.oid AS relation, d.original
        FROM pg_catalog.pg_event_trigger_dropped_objects() d
        JOIN pg_catalog.pg_namespace n ON n.nspname = d.address_names[1]
        JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = d.address_names[2]
        WHERE d.object_type IN ('trigger', 'table column')
        UNION
        SELECT l.object_type, l.address_names, h.inhparent, l.original
        FROM lost l JOIN pg_catalog.pg_inherits h ON h.inhrelid = l.relation)
    SELECT d.object_type, d.address_names[3], r.relation::pg_catalog.text, t.relname, d.original
    FROM lost d
    JOIN softdelete_internal.registration r ON r.relation = d.relation
    JOIN pg_catalog.pg_class t ON t.oid = r.relation
    WHERE (d.object_type = 'trigger' AND d.address_names[3] IN ('softdelete_marker', 'softdelete_truncate', 'softdelete_update',
                                                                'softdelete_lock', 'softdelete_collect'))
       OR (d.object_type = 'table column' AND d.address_names[3] IN (r.deleted_at, r.deleted_by, 'deletion_id'))
    UNION ALL
    SELECT d.object_type, d.address_names[2], r.relation::pg_catalog.text, c.relname, d.original
    FROM pg_catalog.pg_event_trigger_dropped_objects() d
    JOIN pg_catalog.pg_namespace n ON n.nspname = d.address_names[1]
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
    JOIN softdelete_internal.registration r ON r.relation = c.oid AND d.address_names[2] = ANY (r.added_views)
    WHERE d.object_type = 'view' AND NOT d.original
    ORDER BY 5 DESC, 1, 2
    LIMIT 1)";

constexpr const char *held_query = R"(
    SELECT h.id, d.object_name
    FROM pg_catalog.pg_event_trigger_dropped_objects() d
    JOIN softdelete_internal.hold h ON h.relation = d.objid::pg_catalog.regclass
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0 AND h.released_at IS NULL
    ORDER BY h.id LIMIT 1)";

bool find_table(Oid relation, session::RegisteredTable *table) {
    return OidIsValid(relation) && session::find_damaged_table(relation, table);
}

bool is_own_column(const session::RegisteredTable &table, const char *column) {
    AttrNumber attribute = get_attnum(table.relation, column);
    return attribute > 0
           && (attribute == table.deleted_at || attribute == table.deleted_by
               || attribute == table.deletion_id);
}

// The other columns of ours may have any name: ddl/follow_names.
void refuse_rename(const RenameStmt *rename, Oid relation) {
    session::RegisteredTable table;
    if (!renames_column(reinterpret_cast<const Node *>(rename)) || !find_table(relation, &table)
        || strcmp(rename->subname, "deletion_id") != 0) {
        return;
    }
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("cannot rename column \"%s\" of registered table \"%s\"", rename->subname,
                           get_rel_name(table.relation)),
                    errdetail("softdelete keeps the ids of deletions under this name.")));
}

// Since 18 NOT NULL is a constraint, which ADD CONSTRAINT can write as well.
bool adds_not_null(const AlterTableCmd *command) {
    return command->subtype == AT_AddConstraint && IsA(command->def, Constraint)
           && castNode(Constraint, command->def)->contype == CONSTR_NOTNULL;
}

const char *get_column(const AlterTableCmd *command) {
    return adds_not_null(command) ? strVal(linitial(castNode(Constraint, command->def)->keys))
                                  : command->name;
}

// What a command would do to a column of ours that softdelete could not work with; null for anything else.
const char *get_column_change(const AlterTableCmd *command) {
    if (adds_not_null(command)) {
        return "set NOT NULL on";
    }
    switch (command->subtype) {
    case AT_AlterColumnType:
        return "change the type of";
    case AT_SetNotNull:
        return "set NOT NULL on";
    case AT_ColumnDefault:
        return command->def == nullptr ? nullptr : "set a default of";
    case AT_AddIdentity:
        return "add an identity to";
    default:
        return nullptr;
    }
}

// deleted_by may get another type that fits, which repair_table() looks at.
void refuse_column_change(const AlterTableCmd *command, const session::RegisteredTable &table) {
    const char *change = get_column_change(command);
    const char *column = change == nullptr ? nullptr : get_column(command);
    if (column == nullptr || !is_own_column(table, column)) {
        return;
    }
    bool is_actor = get_attnum(table.relation, column) == table.deleted_by;
    if (command->subtype == AT_AlterColumnType && is_actor) {
        return;
    }
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("cannot %s column \"%s\" of registered table \"%s\"", change, column,
                    get_rel_name(table.relation)),
             errdetail("softdelete writes the column, which is null in live rows."),
             errhint("Leave the column as it is, or unregister the table with softdelete.unregister().")));
}

// Said before the server says, without CASCADE, that our views depend on the column. Partitions have it from their parent.
void refuse_column_drop(const AlterTableCmd *command, const session::RegisteredTable &table) {
    if (is_own_column(table, command->name) && !get_rel_relispartition(table.relation)) {
        const char *name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(table.relation)),
                                                      get_rel_name(table.relation));
        ereport(ERROR,
                (errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
                 errmsg("cannot drop column \"%s\" of registered table \"%s\"", command->name,
                        get_rel_name(table.relation)),
                 errhint("Run SELECT * FROM softdelete.unregister(%s) first.", quote_literal_cstr(name))));
    }
}

void refuse_commands(const AlterTableStmt *alter, Oid relation) {
    session::RegisteredTable table;
    ListCell *cell;
    foreach (cell, alter->cmds) {
        const AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);
        if (command->subtype == AT_DropColumn && find_table(relation, &table)) {
            refuse_column_drop(command, table);
        }
        if (get_column_change(command) != nullptr && find_table(relation, &table)) {
            refuse_column_change(command, table);
        }
    }
}

// The library trusts nothing but members of the extension: without one it would take registered tables for others.
void refuse_member_change(const AlterExtensionContentsStmt *alter) {
    if (strcmp(alter->extname, "softdelete") == 0 && !creating_extension) {
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("cannot change the members of extension \"softdelete\""),
                        errhint("Use ALTER EXTENSION softdelete UPDATE, or DROP EXTENSION softdelete.")));
    }
}

} // namespace

void refuse_alteration(const DdlCommand &command) {
    const Node *statement = command.node;
    if (IsA(statement, AlterExtensionContentsStmt)) {
        refuse_member_change(castNode(AlterExtensionContentsStmt, const_cast<Node *>(statement)));
    } else if (IsA(statement, RenameStmt)) {
        refuse_rename(castNode(RenameStmt, const_cast<Node *>(statement)), command.relation);
    } else if (IsA(statement, AlterTableStmt)) {
        refuse_commands(castNode(AlterTableStmt, const_cast<Node *>(statement)), command.relation);
    }
}

void refuse_loss_of_held_rows() {
    pg::Spi spi;
    pg::UserScope owner(pg::get_extension_owner());
    std::vector<pg::Row> held = spi.query_kept(held_query);
    if (!held.empty()) {
        pg::raise({.sqlstate = ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
                   .message = sqltext::format("cannot drop table \"%1%\" because rows of it are on hold",
                                              held.front().text(1)),
                   .detail = sqltext::format("Hold %1% is in force.", held.front().text(0)),
                   .hint = "SELECT * FROM softdelete.holds lists the holds; softdelete.release() ends one."});
    }
}

void refuse_loss() {
    pg::Spi spi;
    pg::UserScope owner(pg::get_extension_owner());
    std::vector<pg::Row> lost = spi.query_kept(lost_query);
    if (lost.empty()) {
        return;
    }
    std::string kind = lost.front().text(0) == "table column" ? "column" : lost.front().text(0);
    if (kind == "view") {
        pg::raise(
            {.sqlstate = ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
             .message = sqltext::format("cannot drop view \"%1%\" of registered table \"%2%\" by CASCADE",
                                        lost.front().text(1), lost.front().text(3)),
             .hint = "Drop the column that needs the object first, by ALTER TABLE ... DROP COLUMN."});
    }
    pg::raise({.sqlstate = ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
               .message = sqltext::format("cannot drop %1% \"%2%\" of registered table \"%3%\"", kind,
                                          lost.front().text(1), lost.front().text(3)),
               .hint = sqltext::format("Run SELECT * FROM softdelete.unregister(%1%) first.",
                                       pg::quote_literal(lost.front().text(2)))});
}

} // namespace softdelete::ddl
