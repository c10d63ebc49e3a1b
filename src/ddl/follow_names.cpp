// Follows RENAME of views, indexes, constraints and softdelete's columns of a registered table, and translates commands
// about a UNIQUE constraint that became an index. Works on raw statements before they run; what is wrong with a name the
// server itself says. Columns wait until the server has renamed them.
#include "ddl/follow_names.hpp"

#include "ddl/command_table.hpp"
#include "ddl/parse_tree.hpp"
#include "pg/compat.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "registration/run_steps.hpp"
#include "registry/registered_names.hpp"
#include "registry/registry.hpp"
#include "session/registered_table.hpp"
#include "session/utility_commands.hpp"

extern "C" {
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
}

#include <optional>

namespace softdelete::ddl {

namespace {

char kind_of(Oid relation) {
    return pg::call([&] { return OidIsValid(relation) ? get_rel_relkind(relation) : '\0'; });
}

std::string name_of(Oid relation) {
    return pg::call([&] { return get_rel_name(relation); });
}

std::string qualified_name_of(Oid schema, const std::string &name) {
    std::string schema_name = pg::call([&] { return get_namespace_name(schema); });
    return pg::quote_identifier(schema_name) + "." + pg::quote_identifier(name);
}

void follow_view(Oid view, const RenameStmt *rename) {
    pg::Spi spi;
    if (std::optional<Oid> table = registry::find_table_of_view(spi, view)) {
        registry::rename_view(spi, *table, name_of(view), rename->newname);
    }
}

void follow_index(Oid table, const std::string &name, const char *new_name) {
    pg::Spi spi;
    Oid root = registry::find_registered_root(spi, table).value_or(table);
    registry::rename_index(spi, root, table, name, new_name);
}

void follow_relation(const RenameStmt *rename, Oid relation) {
    char kind = kind_of(relation);
    if (kind == RELKIND_VIEW) {
        follow_view(relation, rename);
    } else if (kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX) {
        Oid table = pg::call([&] { return IndexGetRelation(relation, true); });
        if (is_registered(table)) {
            follow_index(table, name_of(relation), rename->newname);
        }
    }
}

// RENAME CONSTRAINT of what is an index now renames that; of what is still a constraint, the record follows.
void follow_constraint(RenameStmt *rename, DdlCommand *command) {
    Oid table = command->relation;
    if (!is_registered(table)) {
        return;
    }
    bool is_index = false;
    {
        pg::Spi spi;
        is_index = registry::is_constraint_turned_index(spi, table, rename->subname);
    }
    follow_index(table, rename->subname, rename->newname);
    if (is_index) {
        pg::call([&] {
            MemoryContext caller = MemoryContextSwitchTo(GetMemoryChunkContext(rename));
            rename->renameType = OBJECT_INDEX;
            rename->relation =
                makeRangeVar(get_namespace_name(get_rel_namespace(table)), pstrdup(rename->subname), -1);
            rename->subname = nullptr;
            MemoryContextSwitchTo(caller);
            command->relation = find_relation(rename->relation);
        });
    }
}

Oid find_commented_table(List *names) {
    return pg::call([&] {
        return list_length(names) < 2 ? InvalidOid
                                      : find_relation(makeRangeVarFromNameList(
                                          list_truncate(list_copy(names), list_length(names) - 1)));
    });
}

std::optional<std::string> get_text(const CommentStmt *comment) {
    return comment->comment == nullptr ? std::nullopt : std::optional<std::string>(comment->comment);
}

// The comment of deleted_at states the retention for as long as the table is registered. What a column that was there before is said to be
// comes back with unregister().
void keep_retention_comment(CommentStmt *comment) {
    List *names = castNode(List, comment->object);
    const char *name = strVal(llast(names));
    Oid table = find_commented_table(names);
    if (!is_registered(table)) {
        return;
    }
    pg::Spi spi;
    const auto registration = registry::find_registration(spi, table);
    if (!registration || registration->settings.deleted_at != name) {
        return;
    }
    const model::TableSettings &settings = registration->settings;
    const std::string text = model::describe_retention(settings.retention, settings.on_expiry);
    if (get_text(comment) == text) {
        return;
    }
    check_owner(table);
    registry::set_comment_before(spi, table, get_text(comment));
    pg::notice(
        sqltext::format("the comment of column \"%1%\" of registered table \"%2%\" states the retention",
                        std::string(name), name_of(table)));
    pg::call([&] { comment->comment = MemoryContextStrdup(GetMemoryChunkContext(comment), text.c_str()); });
}

// The comment stands on the index meanwhile, and goes back to the constraint.
void follow_comment(CommentStmt *comment) {
    List *names = castNode(List, comment->object);
    const char *name = strVal(llast(names));
    Oid table = find_commented_table(names);
    if (!is_registered(table)) {
        return;
    }
    pg::Spi spi;
    if (!registry::is_constraint_turned_index(spi, table, name)) {
        return;
    }
    registry::set_constraint_comment(spi, table, name, get_text(comment));
    pg::call([&] {
        MemoryContext caller = MemoryContextSwitchTo(GetMemoryChunkContext(comment));
        comment->objtype = OBJECT_INDEX;
        comment->object = reinterpret_cast<Node *>(
            list_make2(makeString(get_namespace_name(get_rel_namespace(table))), makeString(pstrdup(name))));
        MemoryContextSwitchTo(caller);
    });
}

// Drops come first in ALTER TABLE as well.
bool drop_index_of(pg::Spi &spi, Oid table, const AlterTableCmd *command) {
    if (!registry::is_constraint_turned_index(spi, table, command->name)) {
        return false;
    }
    check_owner(table);
    Oid schema = pg::call([&] { return get_rel_namespace(table); });
    {
        session::OwnDdlScope own_ddl;
        spi.execute("DROP INDEX " + qualified_name_of(schema, command->name)
                    + (command->behavior == DROP_CASCADE ? " CASCADE" : ""));
    }
    registry::delete_converted_index(spi, table, command->name);
    return true;
}

bool has_drop(const AlterTableStmt *alter) {
    ListCell *cell;
    foreach (cell, alter->cmds) {
        if (lfirst_node(AlterTableCmd, cell)->subtype == AT_DropConstraint) {
            return true;
        }
    }
    return false;
}

void follow_drops(AlterTableStmt *alter, Oid table) {
    if (!has_drop(alter) || !is_registered(table)) {
        return;
    }
    pg::Spi spi;
    ListCell *cell;
    foreach (cell, alter->cmds) {
        const AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);
        if (command->subtype == AT_DropConstraint && drop_index_of(spi, table, command)) {
            alter->cmds = pg::call([&] { return foreach_delete_current(alter->cmds, cell); });
        }
    }
}

} // namespace

void follow_names(DdlCommand *command) {
    Node *statement = command->node;
    if (IsA(statement, RenameStmt)) {
        RenameStmt *rename = castNode(RenameStmt, statement);
        if (rename->renameType == OBJECT_TABCONSTRAINT) {
            follow_constraint(rename, command);
        } else if (rename->renameType == OBJECT_TABLE || rename->renameType == OBJECT_VIEW
                   || rename->renameType == OBJECT_INDEX) {
            follow_relation(rename, command->relation);
        }
    } else if (IsA(statement, CommentStmt)
               && castNode(CommentStmt, statement)->objtype == OBJECT_TABCONSTRAINT) {
        follow_comment(castNode(CommentStmt, statement));
    } else if (IsA(statement, CommentStmt) && castNode(CommentStmt, statement)->objtype == OBJECT_COLUMN) {
        keep_retention_comment(castNode(CommentStmt, statement));
    } else if (IsA(statement, AlterTableStmt)) {
        follow_drops(castNode(AlterTableStmt, statement), command->relation);
    }
}

void finish_names(const DdlCommand &command) {
    if (!IsA(command.node, RenameStmt) || !is_registered(command.relation)) {
        return;
    }
    const RenameStmt *rename = castNode(RenameStmt, command.node);
    if (renames_column(command.node)) {
        pg::Spi spi;
        registry::rename_column(spi, command.relation, rename->subname, rename->newname);
    }
}

} // namespace softdelete::ddl
