// Recognizes; what is done stands in history/follow_table. Inheritance children that have histories follow the columns that
// they get from above.
#include "ddl/follow_history.hpp"

#include "history/collect_change.hpp"
#include "history/follow_table.hpp"
#include "history/tracked_table.hpp"
#include "pg/boundary.hpp"
#include "pg/called_settings.hpp"
#include "pg/compat.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "storage/lock.h"
#include "utils/lsyscache.h"
}

#include <vector>

namespace softdelete::ddl {

namespace {

// What a history may not have: other columns, other types, partitions of others.
bool takes_apart(const AlterTableCmd *command) {
    switch (command->subtype) {
    case AT_AddColumn:
    case AT_DropColumn:
    case AT_AlterColumnType:
    case AT_SetNotNull:
    case AT_AddConstraint:
    case AT_AddIdentity:
        return true;
    default:
        return is_move(command);
    }
}

bool takes_apart(const Node *statement) {
    if (IsA(statement, RenameStmt)) {
        return castNode(RenameStmt, const_cast<Node *>(statement))->renameType == OBJECT_COLUMN;
    }
    if (!IsA(statement, AlterTableStmt)) {
        return false;
    }
    ListCell *cell;
    foreach (cell, castNode(AlterTableStmt, const_cast<Node *>(statement))->cmds) {
        if (takes_apart(lfirst_node(AlterTableCmd, cell))) {
            return true;
        }
    }
    return false;
}

[[noreturn]] void raise_taken_apart(Oid relation, Oid history, const char *verb, int sqlstate) {
    ereport(ERROR,
            (errcode(sqlstate), errmsg("cannot %s table \"%s\" by hand", verb, get_rel_name(relation)),
             relation == history ? errdetail("It is a history, which softdelete keeps.")
                                 : errdetail("It is a part of history \"%s\", which softdelete keeps.",
                                             get_rel_name(history)),
             errhint("The history follows its table. softdelete.purge() removes what its retention has "
                     "passed; softdelete.untrack_history() ends it.")));
    pg_unreachable();
}

void check_partition_drop(const DropStmt *drop) {
    ListCell *cell;
    foreach (cell, drop->removeType == OBJECT_TABLE ? drop->objects : NIL) {
        Oid relation = find_relation(makeRangeVarFromNameList(lfirst_node(List, cell)));
        Oid history =
            session::has_own_trigger(relation) ? history::find_history_of_member(relation) : InvalidOid;
        if (OidIsValid(history) && relation != history && pg::compat::owns_relation(relation, GetUserId())) {
            raise_taken_apart(relation, history, "drop", ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST);
        }
    }
}

// The table with those that inherit its columns, and the one that it is a partition of.
std::vector<Oid> find_concerned(Oid relation) {
    std::vector<Oid> found;
    pg::call([&] {
        const history::TrackedTable *table = history::find_tracked_table(relation);
        if (table != nullptr && table->root != relation) {
            relation = table->root;
        }
    });
    List *all = pg::call([&] { return find_all_inheritors(relation, NoLock, nullptr); });
    for (int i = 0; i < list_length(all); i++) {
        if (pg::call([&] { return history::is_tracked(list_nth_oid(all, i)); })) {
            found.push_back(list_nth_oid(all, i));
        }
    }
    return found;
}

// A partition that has left takes the trigger for TRUNCATE along, which the server has not cloned.
void release_detached(const Node *statement) {
    if (!IsA(statement, AlterTableStmt)) {
        return;
    }
    ListCell *cell;
    foreach (cell, castNode(AlterTableStmt, const_cast<Node *>(statement))->cmds) {
        const auto *part = lfirst_node(AlterTableCmd, cell);
        if (part->subtype == AT_DetachPartition || part->subtype == AT_DetachPartitionFinalize) {
            Oid detached = pg::call([&] { return find_relation(castNode(PartitionCmd, part->def)->name); });
            history::release_member(detached);
        }
    }
}

// Does the command leave the values of the column as they are?
bool keeps_values(Oid relation, const AlterTableCmd *command) {
    const auto *column = castNode(ColumnDef, command->def);
    Oid before = get_atttype(relation, get_attnum(relation, command->name));
    return column->raw_default == nullptr
           && getBaseType(typenameTypeId(nullptr, column->typeName)) == getBaseType(before);
}

// Names of the columns that the command drops or gives other values.
List *find_lost_columns(const DdlCommand &command) {
    List *names = NIL;
    ListCell *cell;
    foreach (cell, castNode(AlterTableStmt, command.node)->cmds) {
        const auto *part = lfirst_node(AlterTableCmd, cell);
        bool is_lost = part->subtype == AT_DropColumn || part->subtype == AT_AlterColumnType;
        if (is_lost && get_attnum(command.relation, part->name) > 0
            && (part->subtype == AT_DropColumn || !keeps_values(command.relation, part))) {
            names = lappend(names, part->name);
        }
    }
    return names;
}

void record_rows(Oid relation_id, const List *names) {
    List *columns = NIL;
    ListCell *cell;
    foreach (cell, names) {
        AttrNumber number = get_attnum(relation_id, static_cast<const char *>(lfirst(cell)));
        columns = number > 0 ? lappend_int(columns, number) : columns;
    }
    Relation relation = table_open(relation_id, NoLock);
    history::collect_altered(relation, columns);
    table_close(relation, NoLock);
}

bool concerns_columns(const Node *statement) {
    return IsA(statement, AlterTableStmt) || IsA(statement, RenameStmt) || get_create(statement) != nullptr;
}

} // namespace

void refuse_history_change(const DdlCommand &command) {
    const Node *statement = command.node;
    if (IsA(statement, DropStmt)) {
        check_partition_drop(castNode(DropStmt, const_cast<Node *>(statement)));
        return;
    }
    if (!takes_apart(statement) || !OidIsValid(command.relation)
        || !session::has_own_trigger(command.relation)) {
        return;
    }
    Oid history = history::find_history_of_member(command.relation);
    if (OidIsValid(history) && pg::compat::owns_relation(command.relation, GetUserId())) {
        raise_taken_apart(command.relation, history, "alter", ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE);
    }
}

void record_altered_rows(const DdlCommand &command) {
    if (!IsA(command.node, AlterTableStmt) || !OidIsValid(command.relation)
        || !pg::compat::owns_relation(command.relation, GetUserId())) {
        return;
    }
    List *lost = find_lost_columns(command);
    if (lost == NIL) {
        return;
    }
    ListCell *cell;
    foreach (cell, find_all_inheritors(command.relation, AccessExclusiveLock, nullptr)) {
        Oid member = lfirst_oid(cell);
        if (RELKIND_HAS_STORAGE(get_rel_relkind(member)) && history::is_tracked(member)) {
            record_rows(member, lost);
        }
    }
}

void follow_history(const DdlCommand &command) {
    if (!concerns_columns(command.node) || !OidIsValid(command.relation)) {
        return;
    }
    release_detached(command.node);
    std::vector<Oid> tables = find_concerned(command.relation);
    if (tables.empty()) {
        return;
    }
    pg::CalledSettings called;
    pg::Spi spi;
    for (Oid table : tables) {
        if (IsA(command.node, RenameStmt)) {
            const auto *rename = castNode(RenameStmt, command.node);
            if (rename->renameType == OBJECT_COLUMN) {
                history::follow_rename(spi, table, rename->subname, rename->newname);
            }
        } else {
            history::follow_table(spi, table);
        }
    }
}

} // namespace softdelete::ddl
