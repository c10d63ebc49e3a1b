// Says which commands and tables are meant; history/follow_table and history/collect_change do the work. Inheritance children
// that have histories follow the columns that they get from above, and tables those of the type that they are made of.
#include "ddl/follow_history.hpp"

#include "ddl/column_values.hpp"
#include "history/collect_change.hpp"
#include "history/follow_table.hpp"
#include "history/other_keys.hpp"
#include "history/tracked_table.hpp"
#include "pg/boundary.hpp"
#include "pg/called_settings.hpp"
#include "pg/compat.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "access/relation.h"
#include "access/sysattr.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_type.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
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

// The relation, or, where it is a type, the tables that are made of it.
std::vector<Oid> find_named(Oid relation) {
    if (pg::call([&] { return get_rel_relkind(relation); }) != RELKIND_COMPOSITE_TYPE) {
        return {relation};
    }
    pg::Spi spi;
    std::vector<Oid> found;
    for (const pg::Row &row : spi.query_kept(
             "SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_type t ON t.oid = c.reloftype "
             "WHERE t.typrelid = $1::pg_catalog.oid ORDER BY c.oid",
             {relation})) {
        found.push_back(row.oid(0));
    }
    return found;
}

// Those that have a history among the tables that the command reaches: the ones that it names, and those that get their
// columns from them.
std::vector<Oid> find_tracked(Oid relation) {
    std::vector<Oid> found;
    for (Oid named : find_named(relation)) {
        List *all = pg::call([&] { return find_all_inheritors(named, NoLock, nullptr); });
        for (int i = 0; i < list_length(all); i++) {
            if (pg::call([&] { return history::is_tracked(list_nth_oid(all, i)); })) {
                found.push_back(list_nth_oid(all, i));
            }
        }
    }
    return found;
}

// A partition stands for the table that it is one of.
Oid find_root(Oid relation) {
    return pg::call([&] { return history::get_tracked_root(relation); });
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

bool is_about_values(const AlterTableCmd *part) {
    return part->subtype == AT_DropColumn || part->subtype == AT_AlterColumnType
           || pg::compat::sets_expression(part);
}

bool is_of_key(const history::TrackedTable *table, Oid relation, const char *column) {
    for (int i = 0; table != nullptr && i < table->key_count; i++) {
        if (table->key[i].source == get_attnum(relation, column)) {
            return true;
        }
    }
    return false;
}

// Entries tell whose they are by the key: other values would be those of other rows.
void check_key(const AlterTableCmd *part, Oid relation) {
    if (is_of_key(history::find_tracked_table(relation), relation, part->name)) {
        ereport(
            ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("cannot change the values of column \"%s\" of the primary key of table \"%s\", which has "
                    "a history",
                    part->name, get_rel_name(relation)),
             errdetail("The entries of a row are found by its key."),
             errhint("End the history with softdelete.untrack_history() first.")));
    }
}

// Does the command take values of the column away, or change them?
bool is_lost(const AlterTableCmd *part, Oid relation) {
    if (part->subtype == AT_DropColumn) {
        return true;
    }
    if (changes_values(part, relation, Using::is_read)) {
        check_key(part, relation);
        return true;
    }
    // The history keeps the former type beside the new one, but for the key.
    return changes_type(part, relation)
           && !is_of_key(history::find_tracked_table(relation), relation, part->name);
}

// With those that are generated from it, which DROP COLUMN ... CASCADE takes along.
List *add_columns(List *columns, Relation relation, const AlterTableCmd *part) {
    AttrNumber number = get_attnum(RelationGetRelid(relation), part->name);
    const TupleConstr *constraints = RelationGetDescr(relation)->constr;
    columns = list_append_unique_int(columns, number);
    int count = constraints == nullptr || part->subtype != AT_DropColumn ? 0 : constraints->num_defval;
    for (int i = 0; i < count; i++) {
        AttrNumber other = constraints->defval[i].adnum;
        Bitmapset *read = nullptr;
        pull_varattnos(static_cast<Node *>(stringToNode(constraints->defval[i].adbin)), 1, &read);
        if (TupleDescAttr(RelationGetDescr(relation), other - 1)->attgenerated != '\0'
            && bms_is_member(number - FirstLowInvalidHeapAttributeNumber, read)) {
            columns = list_append_unique_int(columns, other);
        }
    }
    return columns;
}

// The columns of the table that the command drops or gives other values, by number.
List *find_lost_columns(const AlterTableStmt *alter, Relation relation) {
    List *columns = NIL;
    ListCell *cell;
    foreach (cell, alter->cmds) {
        const auto *part = lfirst_node(AlterTableCmd, cell);
        if (is_about_values(part) && get_attnum(RelationGetRelid(relation), part->name) > 0
            && is_lost(part, RelationGetRelid(relation))) {
            columns = add_columns(columns, relation, part);
        }
    }
    return columns;
}

bool is_about_values(const AlterTableStmt *alter) {
    ListCell *cell;
    foreach (cell, alter->cmds) {
        if (is_about_values(lfirst_node(AlterTableCmd, cell))) {
            return true;
        }
    }
    return false;
}

void record_rows(const AlterTableStmt *alter, Oid relation_id) {
    if (!pg::compat::owns_relation(relation_id, GetUserId())) {
        return; // the command itself says that it may not
    }
    Relation relation = try_relation_open(relation_id, AccessExclusiveLock);
    if (relation == nullptr) {
        return;
    }
    List *columns = history::is_tracked(relation_id) ? find_lost_columns(alter, relation) : NIL;
    if (columns != NIL && RELKIND_HAS_STORAGE(relation->rd_rel->relkind)) {
        history::collect_altered(relation, columns);
    }
    relation_close(relation, NoLock);
}

bool is_column(ObjectType type) {
    return type == OBJECT_COLUMN || type == OBJECT_ATTRIBUTE;
}

bool renames_value(const Node *statement) {
    return IsA(statement, AlterEnumStmt)
           && castNode(AlterEnumStmt, const_cast<Node *>(statement))->oldVal != nullptr;
}

void follow_enum(const AlterEnumStmt *alter) {
    Oid type = pg::call([&] { return typenameTypeId(nullptr, makeTypeNameFromNameList(alter->typeName)); });
    pg::CalledSettings called;
    pg::Spi spi;
    history::follow_enum_value(spi, type, alter->oldVal, alter->newVal);
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
    if (!IsA(command.node, AlterTableStmt) || !OidIsValid(command.relation)) {
        return;
    }
    const auto *alter = castNode(AlterTableStmt, command.node);
    if (!is_about_values(alter)) {
        return;
    }
    bool reaches_others = alter->objtype == OBJECT_TYPE || alter->relation->inh;
    for (Oid table : find_tracked(command.relation)) {
        if (reaches_others || table == command.relation) {
            pg::call([&] { record_rows(alter, table); });
        }
    }
}

bool changes_columns(const DdlCommand &command) {
    if (renames_value(command.node)) {
        return true;
    }
    if (IsA(command.node, RenameStmt)) {
        return is_column(castNode(RenameStmt, command.node)->renameType);
    }
    ListCell *cell;
    foreach (cell, IsA(command.node, AlterTableStmt) ? castNode(AlterTableStmt, command.node)->cmds : NIL) {
        const auto *part = lfirst_node(AlterTableCmd, cell);
        if (part->subtype == AT_AddColumn || is_about_values(part)) {
            return true;
        }
    }
    return false;
}

void follow_history(const DdlCommand &command) {
    if (renames_value(command.node)) {
        follow_enum(castNode(AlterEnumStmt, command.node));
        return;
    }
    if (!concerns_columns(command.node) || !OidIsValid(command.relation)) {
        return;
    }
    release_detached(command.node);
    std::vector<Oid> tables = find_tracked(find_root(command.relation));
    if (tables.empty()) {
        return;
    }
    pg::CalledSettings called;
    pg::Spi spi;
    for (Oid table : tables) {
        if (IsA(command.node, RenameStmt)) {
            const auto *rename = castNode(RenameStmt, command.node);
            if (is_column(rename->renameType)) {
                history::follow_rename(spi, table, rename->subname, rename->newname);
            }
        } else {
            history::follow_table(spi, table);
        }
    }
}

} // namespace softdelete::ddl
