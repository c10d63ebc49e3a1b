// Says what may be sent to the nodes of shards, and what a shard takes. What is converted there is planner/convert_delete's and
// planner/convert_update's matter; reads are filtered by planner/place_filter.
#include "planner/convert_distributed.hpp"

#include "pg/query_relations.hpp"
#include "planner/convert_delete.hpp"
#include "planner/convert_update.hpp"
#include "planner/deletion_token.hpp"
#include "planner/expressions.hpp"
#include "session/distributed_tables.hpp"
#include "session/extension_functions.hpp"
#include "session/session_visibility.hpp"

extern "C" {
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
}

namespace softdelete::planner {

namespace {

[[noreturn]] void refuse(const session::RegisteredTable &table, const char *action, const char *hint) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("cannot %s registered table \"%s\", which is a table of Citus", action,
                           get_rel_name(table.relation)),
                    errhint("%s", hint)));
    pg_unreachable();
}

// The log of deletions is kept by one node.
void check_node(const session::RegisteredTable &table) {
    if (!session::is_coordinator()) {
        refuse(table, "delete here from", "Run the statement on the coordinator.");
    }
}

void convert_distributed_delete(Query *query, const session::RegisteredTable &table,
                                session::Statement *statement) {
    statement->notes |= session::note_soft | session::note_distributed;
    if (has_own_token(query)) {
        return;
    }
    switch (decide_delete(query, table, statement)->kind) {
    case DeleteKind::soft:
        break;
    case DeleteKind::purge:
        refuse(table, "remove deleted rows of", "Deleted rows of such tables stay.");
    default:
        refuse(table, "remove rows of", "Set softdelete.deletion to soft.");
    }
    check_writable(table, false, "delete from");
    check_node(table);
    add_token(query, table);
}

// Whether a value of a statement brings an id, or a time, its function says when the statement runs.
Node *check_value(Node *value, const session::RegisteredTable &table, AttrNumber column) {
    const session::ExtensionFunctions *functions = session::find_extension_functions();
    bool is_checked = IsA(value, FuncExpr)
                      && (castNode(FuncExpr, value)->funcid == functions->check_deleted_at
                          || castNode(FuncExpr, value)->funcid == functions->check_deletion_id);
    if (is_checked || is_null_literal(value)) {
        return value;
    }
    Oid type = exprType(value);
    if (column == table.deleted_at) {
        return make_call(functions->check_deleted_at, type, list_make2(value, make_regclass(table.relation)));
    }
    Var *id = make_column(table.relation, 1, column);
    Node *none = reinterpret_cast<Node *>(makeNullConst(id->vartype, id->vartypmod, id->varcollid));
    return make_call(functions->check_deletion_id, type, list_make2(value, none));
}

// Values of several rows stand in a list of their own; those of a query are the other nodes' to compute.
void check_inserted_column(Query *query, const session::RegisteredTable &table, AttrNumber column) {
    TargetEntry *entry = find_assignment(query->targetList, column);
    if (entry == nullptr) {
        return;
    }
    if (!IsA(entry->expr, Var)) {
        entry->expr =
            reinterpret_cast<Expr *>(check_value(reinterpret_cast<Node *>(entry->expr), table, column));
        return;
    }
    const Var *var = castNode(Var, entry->expr);
    const RangeTblEntry *source = rt_fetch(var->varno, query->rtable);
    if (source->rtekind != RTE_VALUES) {
        refuse(table, "insert deleted rows of a query into",
               "Leave the columns deleted_at and deletion_id out.");
    }
    ListCell *cell;
    foreach (cell, source->values_lists) {
        ListCell *value = list_nth_cell(lfirst_node(List, cell), var->varattno - 1);
        lfirst(value) = check_value(static_cast<Node *>(lfirst(value)), table, column);
    }
}

void convert_distributed_insert(Query *query, const session::RegisteredTable &table,
                                session::Statement *statement) {
    if (statement->is_unfiltered) {
        statement->depends_on_role = true;
    }
    if (!statement->is_unfiltered || !session::may_load(table.relation)) {
        check_inserted_column(query, table, table.deleted_at);
        check_inserted_column(query, table, table.deletion_id);
    }
    if (query->onConflict != nullptr) {
        infer_among_live(query, table);
    }
}

void convert_distributed_update(Query *query, const session::RegisteredTable &table) {
    const TargetEntry *entry = find_assignment(query->targetList, table.deleted_at);
    if (entry != nullptr && !is_null_literal(reinterpret_cast<Node *>(entry->expr))) {
        refuse(table, "assign the time of a deletion in",
               "Delete rows by DELETE, and bring them back by assigning NULL.");
    }
    if (entry != nullptr) {
        check_node(table);
    }
}

} // namespace

void convert_distributed(Query *query, const session::RegisteredTable &table, session::Statement *statement) {
    refuse_forged_token(query);
    switch (query->commandType) {
    case CMD_DELETE:
        convert_distributed_delete(query, table, statement);
        return;
    case CMD_UPDATE:
        convert_distributed_update(query, table);
        return;
    case CMD_INSERT:
        convert_distributed_insert(query, table, statement);
        return;
    default:
        refuse(table, "merge into", "Use INSERT ... ON CONFLICT, UPDATE and DELETE.");
    }
}

bool convert_on_shard(Query *query, const session::RegisteredTable &table, session::Statement *statement) {
    if (statement->is_foreign_key || statement->is_cascade) {
        return false;
    }
    if (query->commandType == CMD_INSERT) {
        // What the owner writes was checked where the statement came from, or is a dump's.
        statement->depends_on_role = true;
        if (!session::may_load(table.relation)) {
            check_inserted_column(query, table, table.deleted_at);
            check_inserted_column(query, table, table.deletion_id);
        }
        if (query->onConflict != nullptr) {
            convert_conflict(query, table, statement);
        }
        return true;
    }
    const TargetEntry *entry =
        query->commandType == CMD_UPDATE ? find_assignment(query->targetList, table.deleted_at) : nullptr;
    bool deletes = query->commandType == CMD_UPDATE
                       ? entry != nullptr && !is_null_literal(reinterpret_cast<Node *>(entry->expr))
                       : query->commandType != CMD_DELETE || !has_token(query);
    if (deletes || statement->is_removal) {
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("cannot delete from shard \"%s\" of a registered table",
                               get_rel_name(table.relation)),
                        errdetail("The statement does not say which deletion the rows join."),
                        errhint("Delete from the table itself, in a session of the coordinator that has "
                                "loaded softdelete.")));
    }
    if (query->commandType == CMD_UPDATE && kind_of_restore(query->targetList, table) != RestoreKind::none) {
        check_writable(table, false, "restore rows of");
        statement->notes |= session::note_soft;
        convert_restore_on_shard(query, table);
        return true;
    }
    return false;
}

void refuse_copy_by_citus(Query *query) {
    if (query->commandType != CMD_INSERT) {
        return;
    }
    (void)pg::find_relation_entry(
        query,
        [](Query *level, RangeTblEntry *entry, void *target) {
            session::RegisteredTable table;
            const char *copy = get_rel_name(*static_cast<const Oid *>(target));
            const char *name = get_rel_name(entry->relid);
            (void)level;
            bool is_copied =
                copy != nullptr && name != nullptr && strncmp(copy, name, strlen(name)) == 0
                && copy[strlen(name)] == '_'
                && strspn(copy + strlen(name) + 1, "0123456789") == strlen(copy + strlen(name) + 1)
                && session::find_registered_table(entry->relid, &table)
                && table.rows == session::RowPlace::shards;
            if (is_copied) {
                refuse(table, "convert", "Unregister the table first, with its deleted rows kept.");
            }
            return false;
        },
        &rt_fetch(query->resultRelation, query->rtable)->relid);
}

} // namespace softdelete::planner
