// Refuses TRUNCATE of registered tables. The utility hook calls it, and the statement trigger of triggers/on_delete.
// Collects the tables as ExecuteTruncate() in src/backend/commands/tablecmds.c does, before the server does.
#include "deletion/refuse_truncate.hpp"

#include "holds/hold_check.hpp"
#include "model/trigger_names.hpp"
#include "registry/hold_log.hpp"
#include "session/distributed_tables.hpp"
#include "session/registered_table.hpp"
#include "session/utility_commands.hpp"
#include "settings.hpp"

extern "C" {
#include "access/table.h"
#include "catalog/heap.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
}

namespace softdelete::deletion {

namespace {

bool may_truncate(Oid relation) {
    return pg_class_aclcheck(relation, GetUserId(), ACL_TRUNCATE) == ACLCHECK_OK;
}

// Who loses a right while the command waits for its lock gets the server's error.
void check_right(const RangeVar *name, Oid relation, Oid, void *) {
    if (OidIsValid(relation) && !may_truncate(relation)) {
        aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(relation)), name->relname);
    }
}

// The tables that the command names, with their partitions and children, and those that CASCADE reaches.
List *find_tables(const TruncateStmt *statement) {
    List *tables = NIL;
    ListCell *cell;
    foreach (cell, statement->relations) {
        const RangeVar *name = lfirst_node(RangeVar, cell);
        Oid table = RangeVarGetRelid(name, NoLock, true);
        if (OidIsValid(table)) {
            tables = list_concat_unique_oid(tables, name->inh ? find_all_inheritors(table, NoLock, nullptr)
                                                              : list_make1_oid(table));
        }
    }
    List *found = statement->behavior == DROP_CASCADE ? heap_truncate_find_FKs(tables) : NIL;
    while (found != NIL) {
        tables = list_concat(tables, found);
        found = heap_truncate_find_FKs(tables);
    }
    return tables;
}

// Locks them as the command does next, in its order: it asks for privileges on those that it names or reaches, not on
// partitions and children. False where there are none on one; what comes behind it is not locked, as the command fails there.
bool lock_tables(const TruncateStmt *statement) {
    List *tables = NIL;
    ListCell *cell;
    foreach (cell, statement->relations) {
        const RangeVar *name = lfirst_node(RangeVar, cell);
        Oid table = RangeVarGetRelid(name, NoLock, true);
        if (!OidIsValid(table) || !may_truncate(table)) {
            return false;
        }
        table = RangeVarGetRelidExtended(name, AccessExclusiveLock, 0, check_right, nullptr);
        tables = list_concat_unique_oid(tables, name->inh
                                                    ? find_all_inheritors(table, AccessExclusiveLock, nullptr)
                                                    : list_make1_oid(table));
    }
    List *found = statement->behavior == DROP_CASCADE ? heap_truncate_find_FKs(tables) : NIL;
    while (found != NIL) {
        foreach (cell, found) {
            if (!may_truncate(lfirst_oid(cell))) {
                return false;
            }
            LockRelationOid(lfirst_oid(cell), AccessExclusiveLock);
        }
        tables = list_concat(tables, found);
        found = heap_truncate_find_FKs(tables);
    }
    return true;
}

// What has no trigger is not registered, and references nothing.
bool is_any_concerned(const List *tables) {
    for (int i = 0; i < list_length(tables); i++) {
        if (session::has_triggers(list_nth_oid(tables, i))) {
            return true;
        }
    }
    return false;
}

bool is_registered(Oid table) {
    return session::is_registered_table(table) || session::has_trigger(table, model::archive_trigger);
}

void refuse_registered(Oid table) {
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("cannot truncate registered table \"%s\"", get_rel_name(table)),
             errhint("Use DELETE, which keeps the rows recoverable. To remove all rows physically, set "
                     "softdelete.deletion to hard.")));
}

// Citus truncates the shards, which are never empty because the table is, and says nothing there of what is hard or on hold.
void refuse_distributed_tables(const List *tables) {
    ListCell *cell;
    foreach (cell, tables) {
        refuse_distributed_truncate(lfirst_oid(cell));
    }
}

} // namespace

void refuse_distributed_truncate(Oid relation) {
    session::RegisteredTable table;
    if (session::has_triggers(relation) && session::find_damaged_table(relation, &table)
        && table.rows != session::RowPlace::here) {
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("cannot truncate registered table \"%s\", which is a table of Citus",
                               get_rel_name(relation)),
                        errhint("Use DELETE, which keeps the rows recoverable.")));
    }
}

bool is_before_load(Oid relation) {
    if (row_security || !may_truncate(relation)) {
        return false;
    }
    if (!RELKIND_HAS_STORAGE(get_rel_relkind(relation))) {
        return true;
    }
    Relation table = table_open(relation, AccessExclusiveLock); // as the command does
    BlockNumber pages = RelationGetNumberOfBlocks(table);
    table_close(table, NoLock);
    return pages == 0;
}

void refuse_truncate(const TruncateStmt *statement) {
    bool is_hard = settings::deletion() == settings::Deletion::hard;
    if (session::is_citus_loaded() && !session::OwnDdlScope::is_here()) {
        refuse_distributed_tables(find_tables(statement));
    }
    // A purge has looked which rows stay, and puts them back.
    if (session::OwnDdlScope::is_here() || (is_hard && !registry::has_active_holds())) {
        return;
    }
    if (!is_any_concerned(find_tables(statement))) {
        return;
    }
    // A registration may be ending at this moment. And whether rows are on hold is read in other tables: without the
    // command's own locks by then, two could wait for each other where the server's would not.
    bool is_allowed = lock_tables(statement);
    List *tables = find_tables(statement);
    ListCell *cell;
    foreach (cell, tables) {
        Oid table = lfirst_oid(cell);
        if (is_registered(table) && !is_hard) {
            if (!is_before_load(table)) {
                refuse_registered(table);
            }
        } else if (session::has_triggers(table) && (is_allowed || may_truncate(table))) {
            // Tables that nobody registered may have rows that are on hold by what they reference.
            holds::check_no_holds(table, "truncate"); // to others the command itself says that they may not
        }
    }
}

} // namespace softdelete::deletion
