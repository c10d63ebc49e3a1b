// Converts DELETE, and MERGE's DELETE actions, into updates that mark rows, and says which kind of DELETE a statement
// is: soft, hard, a purge by hand, a referential action or a removal of ours. Called by planner/transform_query.
#include "planner/convert_delete.hpp"

#include "pg/compat.hpp"
#include "pg/relations.hpp"
#include "planner/convert_returning.hpp"
#include "planner/deletion_token.hpp"
#include "planner/expressions.hpp"
#include "planner/key_locks.hpp"
#include "planner/recycle_bin.hpp"
#include "session/extension_functions.hpp"
#include "settings.hpp"

extern "C" {
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"
}

namespace softdelete::planner {

namespace {

// Partitions have the marker; a child made after registration may lack it.
bool has_unguarded_child(const session::RegisteredTable &table) {
    if (!has_subclass(table.relation)) {
        return false;
    }
    ListCell *cell;
    foreach (cell, find_all_inheritors(table.relation, AccessShareLock, nullptr)) {
        session::RegisteredTable child;
        if (!session::find_registered_table(lfirst_oid(cell), &child) || !child.enabled) {
            return true;
        }
    }
    return false;
}

// What now() is, without a function to set up for each statement.
Node *make_now() {
    SQLValueFunction *now = makeNode(SQLValueFunction);
    now->op = SVFOP_CURRENT_TIMESTAMP;
    now->type = TIMESTAMPTZOID;
    now->typmod = -1;
    now->location = -1;
    return reinterpret_cast<Node *>(now);
}

// Without time zone it is local time, of a zone that the session may have set as it likes: checked as an UPDATE's is.
TargetEntry *make_time(const session::RegisteredTable &table, Node *token) {
    const session::ExtensionFunctions *functions = session::find_extension_functions();
    Node *time = token != nullptr ? make_call(functions->adopted_time, TIMESTAMPTZOID, list_make1(token))
                 : table.rows == session::RowPlace::is_shard
                     ? make_call(functions->deletion_time, TIMESTAMPTZOID, NIL)
                     : make_now();
    TargetEntry *entry = make_assignment(table.relation, table.deleted_at, time);
    Oid type = exprType(reinterpret_cast<Node *>(entry->expr));
    if (getBaseType(type) == TIMESTAMPOID) {
        const Var *column = make_column(table.relation, 1, table.deleted_at);
        Node *none = reinterpret_cast<Node *>(makeNullConst(type, column->vartypmod, column->varcollid));
        entry->expr =
            reinterpret_cast<Expr *>(make_call(session::find_extension_functions()->assign_deleted_at, type,
                                               list_make3(entry->expr, none, make_regclass(table.relation))));
    }
    return entry;
}

// The assignments of a soft delete. token: null but for a shard, whose rows get what that says.
List *make_deletion(Query *query, RangeTblEntry *rte, const session::RegisteredTable &table, Node *token) {
    const session::ExtensionFunctions *functions = session::find_extension_functions();
    List *assignments = list_make1(make_time(table, token));
    pg::compat::note_updated_column(query, rte, table.deleted_at);
    if (table.deleted_by != InvalidAttrNumber) {
        Var *column = make_column(table.relation, 1, table.deleted_by);
        Node *type =
            reinterpret_cast<Node *>(makeNullConst(column->vartype, column->vartypmod, column->varcollid));
        Node *actor = token == nullptr ? make_call(functions->new_actor, column->vartype,
                                                   list_make2(type, make_typmod(column->vartypmod)))
                                       : make_call(functions->adopted_actor, column->vartype,
                                                   list_make3(type, make_typmod(column->vartypmod), token));
        assignments = lappend(assignments, make_assignment(table.relation, table.deleted_by, actor));
        pg::compat::note_updated_column(query, rte, table.deleted_by);
    }
    // The last one: it sees to the row's lock, and what is looked up after that may undo it.
    Node *id =
        token == nullptr
            ? make_call(functions->new_deletion_id, INT8OID, list_make1(make_regclass(table.relation)))
            : make_call(functions->adopt_deletion, INT8OID, list_make2(make_regclass(table.relation), token));
    assignments = lappend(assignments, make_assignment(table.relation, table.deletion_id, id));
    pg::compat::note_updated_column(query, rte, table.deletion_id);
    return assignments;
}

// A plain DELETE that names the table itself: the target is its first entry and its only one.
bool is_plain(const Query *query) {
    return query->commandType == CMD_DELETE && query->resultRelation == 1
           && list_length(query->jointree->fromlist) == 1;
}

// Row security checks of converted actions. With DELETE actions alone the policies of DELETE become those of the
// update; with UPDATE actions beside them the executor could not tell the two apart.
List *convert_check_options(List *options, bool has_update) {
    if (options == NIL) {
        return NIL;
    }
    if (has_update) {
        ereport(
            ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("MERGE with both UPDATE and DELETE actions is not supported on a registered table with "
                    "row-level security"),
             errhint("Use one MERGE for the updates and another for the deletes.")));
    }
    List *kept = NIL;
    ListCell *cell;
    foreach (cell, options) {
        WithCheckOption *option = lfirst_node(WithCheckOption, cell);
        if (option->kind == WCO_RLS_MERGE_UPDATE_CHECK || option->kind == WCO_RLS_UPDATE_CHECK) {
            continue;
        }
        if (option->kind == WCO_RLS_MERGE_DELETE_CHECK) {
            option->kind = WCO_RLS_MERGE_UPDATE_CHECK;
        }
        kept = lappend(kept, option);
    }
    return kept;
}

// Whose rights a plain DELETE needs. A statement of ours may name an owner who does not run it.
Oid get_deleter(Query *query) {
    Oid role =
        pg::compat::permission_info(query, rt_fetch(query->resultRelation, query->rtable))->checkAsUser;
    return OidIsValid(role) ? role : GetUserId();
}

bool has_action(Query *query, CmdType command) {
    ListCell *cell;
    foreach (cell, query->mergeActionList) {
        if (lfirst_node(MergeAction, cell)->commandType == command) {
            return true;
        }
    }
    return false;
}

DeleteKind get_kind(Query *query, const session::RegisteredTable &table, const session::Statement &statement,
                    bool may_purge) {
    if (statement.is_foreign_key && runs_as_owner(table)) {
        return DeleteKind::foreign_key;
    }
    if (statement.is_cascade && runs_as_owner(table)) {
        return DeleteKind::soft;
    }
    if (statement.is_removal) {
        return DeleteKind::removal;
    }
    if (settings::deletion() == settings::Deletion::hard) {
        return DeleteKind::hard;
    }
    bool is_purge = may_purge && pg::compat::owns_relation(table.relation, get_deleter(query));
    return is_purge ? DeleteKind::purge : DeleteKind::soft;
}

} // namespace

bool has_delete_action(Query *query) {
    return has_action(query, CMD_DELETE);
}

const DeleteDecision *decide_delete(Query *query, const session::RegisteredTable &table,
                                    session::Statement *statement) {
    if (const DeleteDecision *known = find_delete_decision(query, *statement)) {
        return known;
    }
    auto *decision = static_cast<DeleteDecision *>(palloc0(sizeof(DeleteDecision)));
    decision->query = query;
    decision->may_purge = is_plain(query) && matches_only_deleted_rows(query, 1, table);
    decision->kind = get_kind(query, table, *statement, decision->may_purge);
    statement->deletes = lappend(statement->deletes, decision);
    return decision;
}

const DeleteDecision *find_delete_decision(const Query *query, const session::Statement &statement) {
    ListCell *cell;
    foreach (cell, statement.deletes) {
        const auto *decision = static_cast<const DeleteDecision *>(lfirst(cell));
        if (decision->query == query) {
            return decision;
        }
    }
    return nullptr;
}

bool runs_as_owner(const session::RegisteredTable &table) {
    return pg::get_owner(table.relation) == GetUserId();
}

void check_writable(const session::RegisteredTable &table, bool reaches_children, const char *action) {
    const char *name = get_rel_name(table.relation);
    if (!table.enabled || (reaches_children && has_unguarded_child(table))) {
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("cannot %s table \"%s\" while its softdelete triggers are disabled", action, name),
                 errhint("Run ALTER TABLE ... ENABLE TRIGGER ALL first. To remove rows physically, set "
                         "softdelete.deletion to hard.")));
    }
    if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA) {
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("cannot %s table \"%s\" while session_replication_role is replica", action, name),
                 errhint("Set session_replication_role to origin. To remove rows physically, set "
                         "softdelete.deletion to hard.")));
    }
}

void convert_delete(Query *query, const session::RegisteredTable &table, session::Statement *statement) {
    if (pg::compat::is_for_portion_of(query)) {
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("DELETE ... FOR PORTION OF is not supported on registered table \"%s\"",
                               get_rel_name(table.relation))));
    }
    Index target = static_cast<Index>(query->resultRelation);
    RangeTblEntry *rte = rt_fetch(target, query->rtable);
    query->commandType = CMD_UPDATE;
    // The cascade of a shard's node deletes without one.
    Node *token = table.rows == session::RowPlace::is_shard && !statement->is_cascade
                      ? take_token(query, statement->is_of_citus)
                      : nullptr;
    query->targetList = list_concat(make_deletion(query, rte, table, token), query->targetList);
    lock_keys(query, rte, statement);
    convert_delete_returning(query);
    // Stays even where all rows are visible: it makes the recheck after a concurrent delete right.
    add_condition(&query->jointree->quals, make_deleted_test(table, target, IS_NULL));
}

void convert_merge(Query *query, const session::RegisteredTable &table, session::Statement *statement) {
    Index target = static_cast<Index>(query->resultRelation);
    RangeTblEntry *rte = rt_fetch(target, query->rtable);
    if (has_action(query, CMD_UPDATE)) {
        pg::compat::move_permission_check(query, rte);
    }
    // Its UPDATE actions lock as they would without us, and the trigger locks the rows that it deletes.
    statement->notes |= session::note_lock_rows;
    spare_keys(query, rte);
    query->withCheckOptions = convert_check_options(query->withCheckOptions, has_action(query, CMD_UPDATE));
    convert_merge_returning(query, table, has_action(query, CMD_UPDATE));
    ListCell *cell;
    foreach (cell, query->mergeActionList) {
        MergeAction *action = lfirst_node(MergeAction, cell);
        if (action->commandType == CMD_DELETE) {
            action->commandType = CMD_UPDATE;
            action->targetList = make_deletion(query, rte, table, nullptr);
            add_condition(&action->qual, make_deleted_test(table, target, IS_NULL));
        }
    }
}

} // namespace softdelete::planner
