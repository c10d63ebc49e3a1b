// Recognizes; what is done stands in archive/follow_archived.
#include "ddl/follow_archive.hpp"

#include "archive/follow_archived.hpp"
#include "archive/mend_names.hpp"
#include "archive/own_columns.hpp"
#include "archive/retype_columns.hpp"
#include "catalog/mixed_links.hpp"
#include "catalog/table_info.hpp"
#include "ddl/follow_foreign_keys.hpp"
#include "model/policy_names.hpp"
#include "model/trigger_names.hpp"
#include "pg/boundary.hpp"
#include "pg/called_settings.hpp"
#include "pg/compat.hpp"
#include "pg/scopes.hpp"
#include "registration/check_rules.hpp"
#include "registry/archive_scan.hpp"
#include "registry/registry_scan.hpp"
#include "session/registered_table.hpp"
#include "session/utility_commands.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/lsyscache.h"
}

#include <cstring>

namespace softdelete::ddl {

namespace {

// What of ALTER TABLE an archive does not follow; null for what does not concern it.
const char *get_archive_change(const AlterTableCmd *command) {
    switch (command->subtype) {
    case AT_AddInherit:
    case AT_DropInherit:
        return "change the inheritance of";
    default:
        return nullptr;
    }
}

const char *get_archive_change(const Node *statement) {
    if (!IsA(statement, AlterTableStmt)) {
        return nullptr;
    }
    const char *change = nullptr;
    ListCell *cell;
    foreach (cell, castNode(AlterTableStmt, const_cast<Node *>(statement))->cmds) {
        const char *found = get_archive_change(lfirst_node(AlterTableCmd, cell));
        change = change == nullptr ? found : change;
    }
    return change;
}

// To others the command itself says that they may not.
bool is_owners_archive(Oid relation) {
    return pg::compat::owns_relation(relation, GetUserId());
}

[[noreturn]] void raise_archive_stays(Oid relation, const char *change) {
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("cannot %s table \"%s\" yet, because it has an archive", change, get_rel_name(relation)),
             errdetail("The archive would not follow."),
             errhint("Unregister the table with softdelete.unregister(), deleted_rows => 'keep', and "
                     "register it again afterwards.")));
    pg_unreachable();
}

[[noreturn]] void raise_archive_changed(Oid relation, Oid archive, const char *verb, int sqlstate) {
    ereport(ERROR, (errcode(sqlstate), errmsg("cannot %s table \"%s\" by hand", verb, get_rel_name(relation)),
                    relation == archive ? errdetail("It is an archive, which softdelete keeps.")
                                        : errdetail("It is a part of archive \"%s\", which softdelete keeps.",
                                                    get_rel_name(archive)),
                    errhint("The archive belongs to its table. softdelete.unregister() ends it.")));
    pg_unreachable();
}

[[noreturn]] void raise_strategy_changes(Oid relation, Oid table, const char *change) {
    const char *name =
        quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)), get_rel_name(table));
    ereport(
        ERROR,
        (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
         errmsg("cannot %s table \"%s\" while its strategy changes", change, get_rel_name(relation)),
         errdetail("Some of its deleted rows are marked, others are in its archive."),
         errhint("Let it end first: CALL softdelete.change_strategy(%s, 'archive'), or 'flag' to go back.",
                 quote_literal_cstr(name))));
    pg_unreachable();
}

// New children would have rows that no trigger moves, and keep a change of the strategy from ending.
void check_parent(Oid parent) {
    if (session::has_trigger(parent, model::archive_trigger)) {
        raise_archive_stays(parent, "inherit from");
    }
    if (Oid table = registry::find_relation_between(parent); OidIsValid(table) && is_owners_archive(parent)) {
        raise_strategy_changes(parent, table, "inherit from");
    }
}

// The one place where deleted rows are would follow, and the other would not.
void refuse_change_between(const DdlCommand &command) {
    Oid table = registry::find_relation_between(command.relation);
    bool is_change = IsA(command.node, AlterTableStmt) || IsA(command.node, AlterObjectSchemaStmt)
                     || (IsA(command.node, RenameStmt)
                         && (castNode(RenameStmt, command.node)->renameType == OBJECT_TABLE
                             || castNode(RenameStmt, command.node)->renameType == OBJECT_COLUMN));
    if (!OidIsValid(table) || !is_change || !is_owners_archive(command.relation)) {
        return;
    }
    raise_strategy_changes(command.relation, table, "alter");
}

// Policies of an archive that begin so come and go with those of its table.
void refuse_reserved_policy(const DdlCommand &command, Oid archive) {
    if (command.relation != archive || !IsA(command.node, CreatePolicyStmt)) {
        return;
    }
    const char *name = castNode(CreatePolicyStmt, command.node)->policy_name;
    if (strncmp(name, model::archive_prefix, strlen(model::archive_prefix)) == 0) {
        ereport(ERROR, (errcode(ERRCODE_RESERVED_NAME),
                        errmsg("the name of policy \"%s\" on archive \"%s\" is reserved for softdelete", name,
                               get_rel_name(archive)),
                        errdetail("Such policies are kept like those of the table, and go with them."),
                        errhint("Choose a name that does not begin with \"%s\".", model::archive_prefix)));
    }
}

// Of an archive everything is left as it is, but for what changes neither rows nor their shape.
bool changes_archive(const Node *statement) {
    if (get_archive_change(statement) != nullptr || IsA(statement, AlterObjectSchemaStmt)
        || IsA(statement, RenameStmt)) {
        return true;
    }
    ListCell *cell;
    foreach (cell, IsA(statement, AlterTableStmt)
                       ? castNode(AlterTableStmt, const_cast<Node *>(statement))->cmds
                       : NIL) {
        const auto *command = lfirst_node(AlterTableCmd, cell);
        AlterTableType type = command->subtype;
        if (is_move(command) || type == AT_AddColumn || type == AT_DropColumn || type == AT_AlterColumnType
            || type == AT_ChangeOwner || type == AT_AddOf || type == AT_DropOf
            || command->subtype == AT_SetNotNull || command->subtype == AT_DropNotNull
            || command->subtype == AT_AddConstraint || command->subtype == AT_AddIdentity) {
            return true;
        }
    }
    return false;
}

bool is_own_column(const registry::ArchiveRow &row, const char *name) {
    return strcmp(name, NameStr(row.deleted_at)) == 0
           || (row.has_deleted_by && strcmp(name, NameStr(row.deleted_by)) == 0)
           || strcmp(name, archive::deletion_id_column) == 0;
}

// Nothing but columns that the table has not any more, as check() proposes it?
bool drops_former_columns(const Node *statement, Oid archive) {
    registry::ArchiveRow row;
    Oid table = registry::find_table_of_archive(archive);
    if (!IsA(statement, AlterTableStmt) || !registry::find_archive_row(table, &row)) {
        return false;
    }
    ListCell *cell;
    foreach (cell, castNode(AlterTableStmt, const_cast<Node *>(statement))->cmds) {
        const auto *command = lfirst_node(AlterTableCmd, cell);
        if (command->subtype != AT_DropColumn || command->behavior == DROP_CASCADE
            || is_own_column(row, command->name) || get_attnum(table, command->name) != InvalidAttrNumber) {
            return false;
        }
    }
    return true;
}

void check_archive_drop(const DropStmt *drop) {
    ListCell *cell;
    foreach (cell, drop->removeType == OBJECT_TABLE ? drop->objects : NIL) {
        Oid relation = find_relation(makeRangeVarFromNameList(lfirst_node(List, cell)));
        if (!session::has_own_trigger(relation) || !is_owners_archive(relation)) {
            continue;
        }
        Oid archive = registry::find_archive_of_member(relation);
        if (OidIsValid(archive)) {
            raise_archive_changed(relation, archive, "drop", ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST);
        }
    }
}

void check_archive_inheritance(const CreateStmt *create) {
    ListCell *cell;
    foreach (cell, create->partbound == nullptr ? create->inhRelations : NIL) {
        check_parent(find_relation(lfirst_node(RangeVar, cell)));
    }
}

// What the command attaches or detaches.
Oid find_detached(const AlterTableCmd *command) {
    bool is_meant = command->subtype == AT_DetachPartition || command->subtype == AT_DetachPartitionFinalize;
    return is_meant ? find_relation(castNode(PartitionCmd, command->def)->name) : InvalidOid;
}

void release_from_archive(const Node *statement) {
    ListCell *cell;
    foreach (cell, IsA(statement, AlterTableStmt)
                       ? castNode(AlterTableStmt, const_cast<Node *>(statement))->cmds
                       : NIL) {
        Oid detached = pg::call([&] { return find_detached(lfirst_node(AlterTableCmd, cell)); });
        if (OidIsValid(detached)) {
            archive::release_member(detached);
        }
    }
}

} // namespace

void refuse_archive_change(const DdlCommand &command) {
    const Node *statement = command.node;
    if (IsA(statement, DropStmt)) {
        check_archive_drop(castNode(DropStmt, const_cast<Node *>(statement)));
        return;
    }
    if (IsA(statement, AlterTableStmt)) {
        ListCell *cell;
        foreach (cell, castNode(AlterTableStmt, command.node)->cmds) {
            const auto *part = lfirst_node(AlterTableCmd, cell);
            if (part->subtype == AT_AddInherit) {
                check_parent(find_relation(castNode(RangeVar, part->def)));
            }
        }
    }
    if (!OidIsValid(command.relation) || !session::has_own_trigger(command.relation)
        || !is_owners_archive(command.relation)) {
        return;
    }
    refuse_change_between(command);
    Oid archive = registry::find_archive_of_member(command.relation);
    if (OidIsValid(archive) && changes_archive(statement) && !drops_former_columns(statement, archive)) {
        raise_archive_changed(command.relation, archive, "alter", ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE);
    }
    refuse_reserved_policy(command, archive);
    Oid table = registry::find_archived_relation(command.relation);
    const char *change = get_archive_change(statement);
    if (OidIsValid(table) && change != nullptr) {
        raise_archive_stays(command.relation, change);
    }
}

void prepare_archive(const DdlCommand &command) {
    if (IsA(command.node, AlterTableStmt) && OidIsValid(command.relation)
        && pg::call([&] { return registry::find_archived_relation(command.relation); }) == command.relation) {
        archive::mend_names_before(command.relation);
    }
}

namespace {

archive::ColumnChanges get_column_changes(const Node *statement) {
    archive::ColumnChanges changes;
    if (IsA(statement, RenameStmt)) {
        const auto *rename = castNode(RenameStmt, const_cast<Node *>(statement));
        if (renames_column(statement)) {
            changes.renamed = {rename->subname, rename->newname};
        }
        return changes;
    }
    ListCell *cell;
    foreach (cell, IsA(statement, AlterTableStmt)
                       ? castNode(AlterTableStmt, const_cast<Node *>(statement))->cmds
                       : NIL) {
        const auto *command = lfirst_node(AlterTableCmd, cell);
        if (command->subtype == AT_DropColumn) {
            changes.dropped.emplace_back(command->name);
        } else if (command->subtype == AT_AddColumn) {
            const char *name = castNode(ColumnDef, command->def)->colname;
            changes.added.insert(name);
            if (!command->missing_ok) {
                changes.made.insert(name);
            }
        }
    }
    for (const std::string &column : changes.dropped) {
        if (changes.added.contains(column)) {
            changes.made.insert(column);
        }
    }
    return changes;
}

// Types first: a USING expression may name columns that go.
void follow_table(pg::Spi &spi, const DdlCommand &command, Oid table) {
    const catalog::TableInfo info = catalog::get_table(spi, table);
    if (command.relation == table && info.archive && IsA(command.node, AlterTableStmt)) {
        session::OwnDdlScope own_ddl;
        pg::UserScope owner(info.owner);
        pg::call([&] {
            archive::retype_columns(castNode(AlterTableStmt, command.node), table, info.archive->relation);
        });
    }
    archive::follow_columns(spi, table, get_column_changes(command.node));
}

} // namespace

namespace {

// DELETE on the partition itself would never come to the trigger that moves the row.
void check_attached_rules(const Node *statement) {
    ListCell *cell;
    foreach (cell, IsA(statement, AlterTableStmt)
                       ? castNode(AlterTableStmt, const_cast<Node *>(statement))->cmds
                       : NIL) {
        const auto *part = lfirst_node(AlterTableCmd, cell);
        if (part->subtype == AT_AttachPartition) {
            Oid attached = pg::call([&] { return find_relation(castNode(PartitionCmd, part->def)->name); });
            pg::Spi spi;
            registration::check_rules(spi, catalog::get_table_definition(spi, attached), "attach");
        }
    }
}

// Could the table have a foreign key by the command that it had not before?
bool may_add_key(const Node *statement) {
    ListCell *cell;
    foreach (cell, IsA(statement, AlterTableStmt)
                       ? castNode(AlterTableStmt, const_cast<Node *>(statement))->cmds
                       : NIL) {
        AlterTableType type = lfirst_node(AlterTableCmd, cell)->subtype;
        if (type == AT_AddConstraint || type == AT_AddColumn || type == AT_AttachPartition) {
            return true;
        }
    }
    return get_create(statement) != nullptr;
}

bool renames_policy(const Node *statement) {
    return IsA(statement, RenameStmt)
           && castNode(RenameStmt, const_cast<Node *>(statement))->renameType == OBJECT_POLICY;
}

void follow_policy(Oid relation) {
    if (OidIsValid(relation)
        && pg::call([&] { return registry::find_archived_relation(relation); }) == relation) {
        pg::CalledSettings called;
        archive::follow_policy(relation);
    }
}

} // namespace

void follow_archive(const DdlCommand &command) {
    if (const CreateStmt *create = get_create(command.node)) {
        pg::call([&] { check_archive_inheritance(create); });
    } else if (IsA(command.node, CreatePolicyStmt) || IsA(command.node, AlterPolicyStmt)
               || renames_policy(command.node)) {
        follow_policy(command.relation);
        return;
    } else if (!IsA(command.node, AlterTableStmt) && !IsA(command.node, RenameStmt)
               && !IsA(command.node, AlterObjectSchemaStmt)) {
        return;
    }
    if (!OidIsValid(command.relation)) {
        return;
    }
    pg::CalledSettings called;
    Oid table = pg::call([&] { return registry::find_archived_relation(command.relation); });
    if (OidIsValid(table)) {
        release_from_archive(command.node); // the two find names by the caller's path
        check_attached_rules(command.node);
    }
    pg::Spi spi;
    if (OidIsValid(table)) {
        archive::complete_triggers(spi, table);
        follow_table(spi, command, table);
    }
    if (may_add_key(command.node) && pg::call([&] { return session::has_triggers(command.relation); })) {
        Oid top = pg::call([&] { return registry::find_topmost(command.relation); });
        catalog::check_mixed_links(spi, top, catalog::Strategy::as_is);
        tell_of_archives_children(command);
    }
}

} // namespace softdelete::ddl
