// Refuses TRUNCATE of registered tables. The utility hook calls it, and the statement trigger of triggers/on_delete.
// Collects the tables as ExecuteTruncate() in src/backend/commands/tablecmds.c does, before the server does.
#include "deletion/refuse_truncate.hpp"

#include "holds/hold_check.hpp"
#include "model/trigger_names.hpp"
#include "registry/hold_log.hpp"
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

// The tables that the command names, with their partitions and children. Without locks: those are the command's to take,
// once it has checked privileges.
List *find_named_tables(const TruncateStmt *statement) {
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
    return tables;
}

// Adds the tables that CASCADE reaches.
List *add_referencing_tables(List *tables) {
    List *found = heap_truncate_find_FKs(tables);
    while (found != NIL) {
        tables = list_concat(tables, found);
        found = heap_truncate_find_FKs(tables);
    }
    return tables;
}

bool is_soft(Oid relation) {
    return session::is_registered_table(relation) || session::has_trigger(relation, model::archive_trigger);
}

// With the lock of the command: the registration may be ending at this moment.
bool is_soft_still(Oid relation) {
    if (pg_class_aclcheck(relation, GetUserId(), ACL_TRUNCATE) == ACLCHECK_OK) {
        LockRelationOid(relation, AccessExclusiveLock);
    }
    return is_soft(relation);
}

// To others the command itself says that they may not.
void check_held(Oid relation) {
    if (pg_class_aclcheck(relation, GetUserId(), ACL_TRUNCATE) == ACLCHECK_OK) {
        holds::check_no_holds(relation, "truncate");
    }
}

} // namespace

bool is_before_load(Oid relation) {
    if (row_security || pg_class_aclcheck(relation, GetUserId(), ACL_TRUNCATE) != ACLCHECK_OK) {
        return false;
    }
    if (!RELKIND_HAS_STORAGE(get_rel_relkind(relation))) {
        return true;
    }
    Relation table = table_open(relation, AccessExclusiveLock); // as the command does next
    BlockNumber pages = RelationGetNumberOfBlocks(table);
    table_close(table, NoLock);
    return pages == 0;
}

void refuse_truncate(const TruncateStmt *statement) {
    if (session::OwnDdlScope::is_here()) { // purge has looked which rows stay, and puts them back
        return;
    }
    bool is_hard = settings::deletion() == settings::Deletion::hard;
    if (is_hard && !registry::has_active_holds()) {
        return;
    }
    List *tables = find_named_tables(statement);
    if (statement->behavior == DROP_CASCADE) {
        tables = add_referencing_tables(tables);
    }
    ListCell *cell;
    foreach (cell, tables) {
        Oid table = lfirst_oid(cell);
        bool is_registered = is_soft(table) && is_soft_still(table);
        // Tables that nobody registered may have rows that are on hold by what they reference.
        if (is_registered ? is_hard : session::has_triggers(table)) {
            check_held(table);
        } else if (is_registered && !is_before_load(table)) {
            ereport(
                ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("cannot truncate registered table \"%s\"", get_rel_name(table)),
                 errhint("Use DELETE, which keeps the rows recoverable. To remove all rows physically, set "
                         "softdelete.deletion to hard.")));
        }
    }
}

} // namespace softdelete::deletion
