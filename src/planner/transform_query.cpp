// Walks a statement level by level. Order within a level: functions are inlined, scopes decided, writes converted, then
// the levels below follow.
#include "planner/transform_query.hpp"

#include "pg/compat.hpp"
#include "planner/convert_delete.hpp"
#include "planner/convert_distributed.hpp"
#include "planner/convert_update.hpp"
#include "planner/inline_functions.hpp"
#include "planner/own_policy.hpp"
#include "planner/place_filter.hpp"
#include "planner/recycle_bin.hpp"
#include "session/distributed_tables.hpp"

extern "C" {
#include "nodes/nodeFuncs.h"
#include "rewrite/rowsecurity.h"
#include "utils/rel.h"
#include "utils/relcache.h"
}

namespace softdelete::planner {

namespace {

bool can_be_registered(const RangeTblEntry *rte) {
    return rte->rtekind == RTE_RELATION
           && (rte->relkind == RELKIND_RELATION || rte->relkind == RELKIND_PARTITIONED_TABLE);
}

bool find_target(Query *query, session::RegisteredTable *table) {
    if (query->resultRelation == 0) {
        return false;
    }
    const RangeTblEntry *rte = rt_fetch(query->resultRelation, query->rtable);
    return can_be_registered(rte) && session::find_registered_table(rte->relid, table);
}

bool is_delete(Query *query) {
    return query->commandType == CMD_DELETE || (query->commandType == CMD_MERGE && has_delete_action(query));
}

// What names a table of Citus is planned again for the tables that are local to this server.
bool is_converted_here(const session::RegisteredTable &table, const session::Statement &statement) {
    return !statement.is_planned_again || table.rows == session::RowPlace::shards;
}

// DELETE can stand at the top of a statement and in its WITH queries.
void collect_targets(Query *query, session::Statement *statement) {
    session::RegisteredTable table;
    if (is_delete(query) && find_target(query, &table) && is_converted_here(table, *statement)
        && decide_delete(query, table, statement)->kind == DeleteKind::soft) {
        statement->deleted_from = lappend_oid(statement->deleted_from, table.relation);
    }
    ListCell *cell;
    foreach (cell, query->cteList) {
        Node *with = lfirst_node(CommonTableExpr, cell)->ctequery;
        if (IsA(with, Query)) {
            collect_targets(castNode(Query, with), statement);
        }
    }
}

// The target of a DELETE that becomes an update gets its condition with the conversion. The setting that shows deleted
// rows only decides it all the same: there the DELETE meets none.
bool is_decided(Query *query, Index reference, const session::RegisteredTable &table,
                const session::Statement &statement) {
    const DeleteDecision *decision =
        reference == static_cast<Index>(query->resultRelation) && query->commandType == CMD_DELETE
            ? find_delete_decision(query, statement)
            : nullptr;
    return decision != nullptr && decision->kind == DeleteKind::soft
           && view_of(query, reference, table, statement).visibility != settings::Visibility::deleted;
}

// Which rows of a table of Citus a reference sees is written into the query that Citus sends to the shards, and is not asked
// again there: what Citus sends on its own account sees all. The cascade of a shard's node asks for itself.
bool decide_elsewhere(Query *query, Index reference, const session::RegisteredTable &table,
                      session::Statement *statement) {
    RangeTblEntry *rte = rt_fetch(reference, query->rtable);
    if (table.rows == session::RowPlace::is_shard) {
        bool is_own = (statement->notes & session::note_own) != 0;
        if (!is_own) {
            set_scope(rte, Scope::all);
        }
        return !is_own;
    }
    if (scope_of(rte) != Scope::undecided) {
        return true; // Citus plans parts of a statement again
    }
    bool is_target = reference == static_cast<Index>(query->resultRelation);
    bool sees_all = is_target
                    && (query->commandType == CMD_INSERT || query->commandType == CMD_DELETE
                        || (query->commandType == CMD_UPDATE
                            && kind_of_restore(query->targetList, table) != RestoreKind::none));
    Scope scope = decide_scope(query, reference, table, *statement);
    set_scope(rte, Scope::all);
    if (!sees_all && scope != Scope::all) {
        place_filter(query, reference, table, scope == Scope::live ? IS_NULL : IS_NOT_NULL);
    }
    return true;
}

void decide_scopes(Query *query, session::Statement *statement) {
    Index reference = 0;
    bool is_any_registered = false;
    ListCell *cell;
    foreach (cell, query->rtable) {
        RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);
        reference++;
        session::RegisteredTable table;
        if (!can_be_registered(rte) || !session::find_registered_table(rte->relid, &table)) {
            continue;
        }
        if (table.rows != session::RowPlace::here && decide_elsewhere(query, reference, table, statement)) {
            continue;
        }
        is_any_registered = true;
        adopt_policies(rte, reference, table);
        if (scope_of(rte) == Scope::past_policy) {
            set_scope(rte, Scope::all);
            remove_own_policy(rte, reference, table);
        } else if (is_decided(query, reference, table, *statement)) {
            set_scope(rte, Scope::all);
        } else {
            set_scope(rte, decide_scope(query, reference, table, *statement));
            if (scope_of(rte) == Scope::live) {
                remove_own_policy(rte, reference, table);
            }
        }
        statement->scopes |= 1U << static_cast<uint32>(scope_of(rte));
    }
    // The planning that is to come needs it as well.
    if (is_any_registered && !statement->is_planned_again) {
        drop_include_deleted(query);
    }
}

uint32 note_for(DeleteKind kind) {
    switch (kind) {
    case DeleteKind::soft:
        return session::note_soft;
    case DeleteKind::hard:
        return session::note_hard;
    case DeleteKind::purge:
        return session::note_purge;
    case DeleteKind::foreign_key:
        return session::note_foreign_key;
    case DeleteKind::removal:
        return session::note_removal;
    }
    pg_unreachable();
}

// Do the query's own conditions open the recycle bin for the target?
bool is_opened(Query *query, const session::RegisteredTable &table, const session::Statement &statement) {
    Index target = static_cast<Index>(query->resultRelation);
    return scope_of(rt_fetch(target, query->rtable)) == Scope::all
           && !view_of(query, target, table, statement).is_unfiltered;
}

void convert_update(Query *query, RangeTblEntry *rte, const session::RegisteredTable &table,
                    session::Statement *statement) {
    RestoreKind kind = kind_of_restore(query->targetList, table);
    if (kind == RestoreKind::none && is_opened(query, table, *statement)) {
        keep_deleted(query, query->targetList, table, &query->jointree->quals);
    }
    if (kind == RestoreKind::where_null && scope_of(rte) == Scope::live) {
        restrict_restore(query, table);
    }
    bool sees_all = scope_of(rte) == Scope::live || kind == RestoreKind::plain;
    if (kind != RestoreKind::none && sees_all) {
        remove_own_policy(rte, static_cast<Index>(query->resultRelation), table);
        set_scope(rte, Scope::all);
    }
    if (kind == RestoreKind::plain) {
        check_writable(table, false, "restore rows of");
        statement->notes |= session::note_soft;
        convert_restore(query, table);
    } else {
        query->targetList = convert_assignments(query, query->targetList, table, statement);
    }
}

void convert_target(Query *query, const session::RegisteredTable &table, session::Statement *statement) {
    RangeTblEntry *rte = rt_fetch(query->resultRelation, query->rtable);
    statement->notes |= session::note_planned;
    if (table.rows == session::RowPlace::shards) {
        convert_distributed(query, table, statement);
        return;
    }
    if (table.rows == session::RowPlace::is_shard && convert_on_shard(query, table, statement)) {
        return;
    }
    if (query->commandType == CMD_DELETE) {
        const DeleteDecision *decision = decide_delete(query, table, statement);
        DeleteKind kind = decision->kind;
        statement->notes |= note_for(kind);
        statement->depends_on_role = statement->depends_on_role || decision->may_purge;
        if (kind != DeleteKind::hard) {
            check_writable(table, kind != DeleteKind::soft && rte->inh, "delete from");
        }
        if (kind == DeleteKind::soft) {
            convert_delete(query, table, statement);
            remove_own_policy(rte, static_cast<Index>(query->resultRelation), table);
            set_scope(rte, scope_of(rte) == Scope::deleted ? Scope::deleted : Scope::all);
        }
        return;
    }
    if (statement->is_removal) {
        statement->notes |= session::note_removal;
        return;
    }
    if (statement->is_foreign_key && runs_as_owner(table)) {
        return;
    }
    query->withCheckOptions =
        remove_own_checks(query->withCheckOptions, static_cast<Index>(query->resultRelation), table);
    if (query->commandType == CMD_UPDATE) {
        convert_update(query, rte, table, statement);
    } else if (query->commandType == CMD_INSERT) {
        convert_insert(query, table, statement);
    } else if (query->commandType == CMD_MERGE) {
        ListCell *cell;
        foreach (cell, query->mergeActionList) {
            MergeAction *action = lfirst_node(MergeAction, cell);
            if (action->commandType == CMD_UPDATE) {
                bool is_restore = kind_of_restore(action->targetList, table) != RestoreKind::none;
                if (!is_restore && is_opened(query, table, *statement)) {
                    keep_deleted(query, action->targetList, table, &action->qual);
                }
                action->targetList = convert_assignments(query, action->targetList, table, statement);
            } else if (action->commandType == CMD_INSERT) {
                check_inserted(action->targetList, table, statement);
            }
        }
        if (has_delete_action(query)) {
            DeleteKind kind = decide_delete(query, table, statement)->kind;
            statement->notes |= note_for(kind);
            if (kind == DeleteKind::soft) {
                check_writable(table, false, "delete from");
                convert_merge(query, table, statement);
            }
        }
    }
}

bool transform_level(Node *node, session::Statement *statement);

// Are there conditions of policies?
bool has_policies(const RangeTblEntry *rte) {
    if (rte->securityQuals == NIL || !can_be_registered(rte)) {
        return false;
    }
    Relation relation = RelationIdGetRelation(rte->relid);
    bool found = relation->rd_rel->relrowsecurity;
    RelationClose(relation);
    return found;
}

// A view that a statement writes through stays in its range table beside the target, and is no subquery.
bool writes_through_view(const Query *query) {
    const ListCell *cell;
    foreach (cell, query->rtable) {
        const RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);
        if (rte->rtekind == RTE_RELATION && rte->relkind == RELKIND_VIEW) {
            return true;
        }
    }
    return false;
}

// How many of the target's conditions are those of security-barrier views that the statement goes through?
// rewriteTargetView() in src/backend/rewrite/rewriteHandler.c puts them there, and fireRIRrules() what the policies say
// in front of them. To be asked of the statement as it was written.
int count_view_conditions(Query *query, const session::Statement *statement) {
    if (query->resultRelation == 0 || statement->is_planned_again) {
        return 0;
    }
    RangeTblEntry *rte = rt_fetch(query->resultRelation, query->rtable);
    if (!has_policies(rte) || !writes_through_view(query)) {
        return 0;
    }
    List *conditions;
    List *checks;
    bool has_row_security;
    bool has_sublinks;
    get_row_security_policies(query, rte, query->resultRelation, &conditions, &checks, &has_row_security,
                              &has_sublinks);
    return Max(list_length(rte->securityQuals) - list_length(conditions), 0);
}

bool is_of_policy(const WithCheckOption *check) {
    return check->kind != WCO_VIEW_CHECK;
}

// What policies say is their author's: to them softdelete.visibility is active, whoever reads.
struct Policies {
    List *conditions; // a list for each reference; NIL where there are none
    List *checks;     // all of the query
};

// Takes them out of the query, so that the walk goes past them. The last conditions of the target stay, as many as are a
// view's: they are read as those of any view.
Policies transform_policies(Query *query, int view_conditions, session::Statement *statement) {
    Policies policies = {NIL, query->withCheckOptions};
    const settings::Visibility callers = statement->visibility;
    statement->visibility = settings::Visibility::active;
    ListCell *cell;
    foreach (cell, query->rtable) {
        RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);
        List *conditions = NIL;
        if (has_policies(rte)) {
            int kept = foreach_current_index(cell) + 1 == query->resultRelation ? view_conditions : 0;
            int count = Max(list_length(rte->securityQuals) - kept, 0);
            conditions = list_truncate(list_copy(rte->securityQuals), count);
            rte->securityQuals = list_copy_tail(rte->securityQuals, count);
            transform_level(reinterpret_cast<Node *>(conditions), statement);
        }
        policies.conditions = lappend(policies.conditions, conditions);
    }
    query->withCheckOptions = NIL;
    foreach (cell, policies.checks) {
        WithCheckOption *check = lfirst_node(WithCheckOption, cell);
        if (is_of_policy(check)) {
            transform_level(check->qual, statement);
        } else {
            query->withCheckOptions = lappend(query->withCheckOptions, check);
        }
    }
    statement->visibility = callers;
    return policies;
}

void put_back(Query *query, const Policies &policies) {
    query->withCheckOptions = policies.checks;
    ListCell *reference;
    ListCell *conditions;
    forboth (reference, query->rtable, conditions, policies.conditions) {
        RangeTblEntry *rte = lfirst_node(RangeTblEntry, reference);
        rte->securityQuals = list_concat(static_cast<List *>(lfirst(conditions)), rte->securityQuals);
    }
}

bool transform_level(Node *node, session::Statement *statement) {
    if (node == nullptr) {
        return false;
    }
    auto walker = pg::compat::walker(transform_level);
    if (!IsA(node, Query)) {
        return expression_tree_walker(node, walker, statement);
    }
    Query *query = castNode(Query, node);
    if (query->commandType == CMD_UTILITY) {
        return false;
    }
    check_stack_depth();
    const int view_conditions = count_view_conditions(query, statement);
    inline_functions(query, statement);
    decide_scopes(query, statement);
    session::RegisteredTable table;
    if (find_target(query, &table)
        && (is_converted_here(table, *statement) || query->commandType == CMD_INSERT)) {
        convert_target(query, table, statement);
    }
    const Policies policies = transform_policies(query, view_conditions, statement);
    bool stopped = query_tree_walker(query, walker, statement, 0);
    put_back(query, policies);
    return stopped;
}

} // namespace

void transform_query(Query *query, session::Statement *statement) {
    statement->is_planned_again = session::names_distributed_table(query);
    if (statement->is_planned_again) {
        refuse_copy_by_citus(query);
    }
    collect_targets(query, statement);
    transform_level(reinterpret_cast<Node *>(query), statement);
}

} // namespace softdelete::planner
