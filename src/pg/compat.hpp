// Differences between PostgreSQL's majors, and nothing else: each shim is named after the newest API and says in one
// line why it is there. PG_VERSION_NUM appears here, in compat_values.hpp and compat_owners.hpp only.
#pragma once

#include "pg/server.hpp"

#include <cstdlib>

extern "C" {
#include "access/genam.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "nodes/parsenodes.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/plancat.h"
#include "optimizer/planner.h"
#include "parser/parsetree.h"
#include "storage/lock.h"
#include "tcop/pquery.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#if PG_VERSION_NUM >= 160000
#include "parser/parse_relation.h"
#endif
}

namespace softdelete::pg::compat {

// 16 moved permission data from the range table entry into RTEPermissionInfo.
#if PG_VERSION_NUM >= 160000
inline RTEPermissionInfo *permission_info(Query *query, RangeTblEntry *rte) {
    return getRTEPermissionInfo(query->rteperminfos, rte);
}
#else
inline RangeTblEntry *permission_info(Query *, RangeTblEntry *rte) {
    return rte;
}
#endif

// The columns that a plan's UPDATE of the entry assigns, as offsets from FirstLowInvalidHeapAttributeNumber.
inline const Bitmapset *updated_columns(const PlannedStmt *plan, RangeTblEntry *rte) {
#if PG_VERSION_NUM >= 160000
    return rte->perminfoindex == 0 ? nullptr : getRTEPermissionInfo(plan->permInfos, rte)->updatedCols;
#else
    (void)plan;
    return rte->updatedCols;
#endif
}

inline bool has_stored_generated_column(Oid relation_id) {
    Relation relation = RelationIdGetRelation(relation_id);
    const TupleConstr *constraints = RelationGetDescr(relation)->constr;
    bool has = constraints != nullptr && constraints->has_generated_stored;
    RelationClose(relation);
    return has;
}

// Adds a column to those that the statement assigns. Written here, because both shapes of permission data have the field.
// One that asks for the privilege of updating columns (see below) gets generated ones, which the executor computes anew.
inline void note_updated_column(Query *query, RangeTblEntry *rte, AttrNumber attribute) {
    auto *info = permission_info(query, rte);
    if ((info->requiredPerms & ACL_UPDATE) == 0 || has_stored_generated_column(rte->relid)) {
        info->updatedCols = bms_add_member(info->updatedCols, attribute - FirstLowInvalidHeapAttributeNumber);
    }
}

// The privilege to update is checked on an entry of its own, so that columns which we add to updatedCols ask for none.
// Written here, because the permission data stands in the entry before 16 and beside it since. There every entry has to
// ask for something: one that asks for nothing else, as that of an UPDATE without a condition, keeps its check.
inline void move_permission_check(Query *query, RangeTblEntry *rte) {
    AclMode rest = permission_info(query, rte)->requiredPerms & ~ACL_UPDATE;
    if (rest == permission_info(query, rte)->requiredPerms || (PG_VERSION_NUM >= 160000 && rest == 0)) {
        return;
    }
    RangeTblEntry *check = makeNode(RangeTblEntry);
    check->rtekind = RTE_RELATION;
    check->relid = rte->relid;
    check->relkind = rte->relkind;
    check->rellockmode = rte->rellockmode;
    check->eref = rte->eref;
    query->rtable = lappend(query->rtable, check);
#if PG_VERSION_NUM >= 160000
    RTEPermissionInfo *info = addRTEPermissionInfo(&query->rteperminfos, check);
    const RTEPermissionInfo *needed = permission_info(query, rte);
    info->inh = needed->inh;
#else
    RangeTblEntry *info = check;
    const RangeTblEntry *needed = rte;
#endif
    info->checkAsUser = needed->checkAsUser;
    info->requiredPerms = ACL_UPDATE;
    info->updatedCols = bms_copy(needed->updatedCols);
    permission_info(query, rte)->requiredPerms = rest;
}

// 16 added the planner's state as an argument, which may be null outside of planning.
inline Node *flatten_join_alias_vars(Query *query, Node *node) {
#if PG_VERSION_NUM >= 160000
    return ::flatten_join_alias_vars(nullptr, query, node);
#else
    return ::flatten_join_alias_vars(query, node);
#endif
}

// 16 renamed the ownership and privilege checks and gave them the catalog as an argument.
inline bool owns_relation(Oid relation, Oid role) {
#if PG_VERSION_NUM >= 160000
    if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relation))) { // an internal error there
        ereport(ERROR,
                (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", relation)));
    }
    return object_ownercheck(RelationRelationId, relation, role);
#else
    return pg_class_ownercheck(relation, role);
#endif
}

// 16 gave the tree walkers' callbacks a prototype.
#if PG_VERSION_NUM >= 160000
using WalkerCallback = bool (*)(Node *, void *);
using MutatorCallback = Node *(*)(Node *, void *);
#else
using WalkerCallback = bool (*)();
using MutatorCallback = Node *(*)();
#endif

template <typename Context>
WalkerCallback walker(bool (*function)(Node *, Context *)) {
    return reinterpret_cast<WalkerCallback>(reinterpret_cast<void (*)()>(function));
}

template <typename Context>
MutatorCallback mutator(Node *(*function)(Node *, Context *)) {
    return reinterpret_cast<MutatorCallback>(reinterpret_cast<void (*)()>(function));
}

inline bool may_select(Oid relation, Oid role) {
    return pg_class_aclcheck(relation, role, ACL_SELECT) == ACLCHECK_OK;
}

// 18 reports RESTRICT with a SQLSTATE and words of its own.
inline constexpr bool has_restrict_violation = PG_VERSION_NUM >= 180000;

// 17 moved MERGE's join condition out of the join tree.
inline Node *merge_join_condition([[maybe_unused]] Query *query) {
#if PG_VERSION_NUM >= 170000
    return query->mergeJoinCondition;
#else
    return query->jointree->quals;
#endif
}

// 17 added WHEN NOT MATCHED BY SOURCE, which keeps target rows that the join condition refuses.
inline bool merge_keeps_unmatched_target([[maybe_unused]] Query *query) {
#if PG_VERSION_NUM >= 170000
    ListCell *cell;
    foreach (cell, query->mergeActionList) {
        if (lfirst_node(MergeAction, cell)->matchKind == MERGE_WHEN_NOT_MATCHED_BY_SOURCE) {
            return true;
        }
    }
#endif
    return false;
}

// 17 added RETURNING to MERGE, and a function that says there what the MERGE did to the row.
inline bool is_merge_action([[maybe_unused]] const Node *node) {
#if PG_VERSION_NUM >= 170000
    return IsA(node, MergeSupportFunc);
#else
    return false;
#endif
}

// Null where the server does not have it.
inline Node *make_merge_action() {
#if PG_VERSION_NUM >= 170000
    MergeSupportFunc *action = makeNode(MergeSupportFunc);
    action->msftype = TEXTOID;
    action->msfcollid = DEFAULT_COLLATION_OID;
    action->location = -1;
    return reinterpret_cast<Node *>(action);
#else
    return nullptr;
#endif
}

// Only some servers can delete a part of a row's period: the betas of 19 can, its first release candidate cannot.
template <typename AnyQuery>
bool is_for_portion_of([[maybe_unused]] const AnyQuery *query) {
    if constexpr (requires { query->forPortionOf; }) {
        return query->forPortionOf != nullptr;
    } else {
        return false;
    }
}

// 17 can give a generated column another expression.
inline bool sets_expression([[maybe_unused]] const AlterTableCmd *command) {
#if PG_VERSION_NUM >= 170000
    return command->subtype == AT_SetExpression;
#endif
    return false;
}

// 18 can end the enforcement of a foreign key. The key's name; null for other commands.
inline const char *unenforced_key([[maybe_unused]] const AlterTableCmd *command) {
#if PG_VERSION_NUM >= 180000
    if (command->subtype == AT_AlterConstraint) {
        const auto *change = castNode(ATAlterConstraint, command->def);
        return change->alterEnforceability && !change->is_enforced ? change->conname : nullptr;
    }
#endif
    return nullptr;
}

// 18 lets RETURNING of a DELETE name the new row, which is NULL there.
inline bool refers_to_new_row([[maybe_unused]] const Var *var) {
#if PG_VERSION_NUM >= 180000
    return var->varreturningtype == VAR_RETURNING_NEW;
#else
    return false;
#endif
}

// 19 hands the EXPLAIN state to the planner.
#if PG_VERSION_NUM >= 190000
#define SOFTDELETE_PLANNER_EXTRA_PARAMETER , struct ExplainState *explain
#define SOFTDELETE_PLANNER_EXTRA_ARGUMENT , explain
#else
#define SOFTDELETE_PLANNER_EXTRA_PARAMETER
#define SOFTDELETE_PLANNER_EXTRA_ARGUMENT
#endif

// 17 can ask for stronger modes as well.
inline bool is_lock_held(const LOCKTAG *tag, LOCKMODE mode) {
#if PG_VERSION_NUM >= 170000
    return LockHeldByMe(tag, mode, false);
#else
    return LockHeldByMe(tag, mode);
#endif
}

// 18 can count what an index scan does, 19 takes flags, as for a scan of a table.
#if PG_VERSION_NUM >= 190000
#define SOFTDELETE_SCAN_FLAGS , SO_NONE
#else
#define SOFTDELETE_SCAN_FLAGS
#endif
inline TableScanDesc table_beginscan(Relation table, Snapshot snapshot) {
    return ::table_beginscan(table, snapshot, 0, nullptr SOFTDELETE_SCAN_FLAGS);
}

inline IndexScanDesc index_beginscan(Relation table, Relation index, Snapshot snapshot, int keys) {
#if PG_VERSION_NUM >= 180000
    return ::index_beginscan(table, index, snapshot, nullptr, keys, 0 SOFTDELETE_SCAN_FLAGS);
#else
    return ::index_beginscan(table, index, snapshot, keys, 0);
#endif
}

// 19 copies a partitioned table with its partitions. It removes a self-join and plans anew, without what a hook added.
inline constexpr bool can_copy_partitioned_table = PG_VERSION_NUM >= 190000;
inline constexpr bool self_join_removal_forgets_restrictions = PG_VERSION_NUM >= 190000;

// 19 made a set of the list of relations that a statement writes to.
template <typename Function>
void for_each_result_relation(const PlannedStmt *plan, Function function) {
#if PG_VERSION_NUM >= 190000
    int index = -1;
    while ((index = bms_next_member(plan->resultRelationRelids, index)) >= 0) {
        function(rt_fetch(index, plan->rtable)->relid);
    }
#else
    ListCell *cell;
    foreach (cell, plan->resultRelations) {
        function(rt_fetch(lfirst_int(cell), plan->rtable)->relid);
    }
#endif
}

// 19 can return the row that is in the way of an INSERT.
inline bool returns_conflicting_row([[maybe_unused]] const OnConflictExpr *conflict) {
#if PG_VERSION_NUM >= 190000
    return conflict->action == ONCONFLICT_SELECT;
#else
    return false;
#endif
}

// 19 renamed it, since functions that return one row can be inlined too.
inline Query *inline_function_in_from(PlannerInfo *root, RangeTblEntry *rte) {
#if PG_VERSION_NUM >= 190000
    return ::inline_function_in_from(root, rte);
#else
    return inline_set_returning_function(root, rte);
#endif
}

// 19 made the identifiers of the system caches a type, which their callbacks take.
#if PG_VERSION_NUM >= 190000
using SysCacheIdentifier = ::SysCacheIdentifier;
#else
using SysCacheIdentifier = int;
#endif

// 16 keeps what a setting's check hook hands over in a memory context of its own.
inline void *allocate_setting_extra(size_t size) {
#if PG_VERSION_NUM >= 160000
    return guc_malloc(LOG, size);
#else
    return malloc(size);
#endif
}

// 18: UNIQUE (..., period WITHOUT OVERLAPS).
inline bool is_without_overlaps([[maybe_unused]] const Constraint *constraint) {
#if PG_VERSION_NUM >= 180000
    return constraint->without_overlaps;
#else
    return false;
#endif
}

// Is it an operator of an ordering, such as >? 18 knows other indexes than B-trees that have one.
inline bool is_comparison(Oid operator_id) {
#if PG_VERSION_NUM >= 180000
    return get_op_index_interpretation(operator_id) != NIL;
#else
    return get_op_btree_interpretation(operator_id) != NIL;
#endif
}

// 18 has foreign keys that are not enforced.
#if PG_VERSION_NUM >= 180000
inline constexpr const char *enforced_condition = "k.conenforced";
#else
inline constexpr const char *enforced_condition = "true";
#endif

// 18 took away execute_once.
#if PG_VERSION_NUM >= 180000
#define SOFTDELETE_EXECUTOR_RUN_EXTRA_PARAMETER
#define SOFTDELETE_EXECUTOR_RUN_EXTRA_ARGUMENT
#else
#define SOFTDELETE_EXECUTOR_RUN_EXTRA_PARAMETER , bool execute_once
#define SOFTDELETE_EXECUTOR_RUN_EXTRA_ARGUMENT , execute_once
#endif

// 17 renamed the search paths that kept plans remember.
#if PG_VERSION_NUM >= 170000
inline SearchPathMatcher *get_search_path_matcher(MemoryContext context) {
    return GetSearchPathMatcher(context);
}

inline bool search_path_matches(SearchPathMatcher *path) {
    return SearchPathMatchesCurrentEnvironment(path);
}
#else
inline OverrideSearchPath *get_search_path_matcher(MemoryContext context) {
    return GetOverrideSearchPath(context);
}

inline bool search_path_matches(OverrideSearchPath *path) {
    return OverrideSearchPathMatchesCurrent(path);
}
#endif

// 18 took away run_once.
inline bool run_portal(Portal portal, long count, bool is_top_level, DestReceiver *receiver,
                       DestReceiver *alternative, QueryCompletion *completion) {
#if PG_VERSION_NUM >= 180000
    return PortalRun(portal, count, is_top_level, receiver, alternative, completion);
#else
    return PortalRun(portal, count, is_top_level, true, receiver, alternative, completion);
#endif
}

// 19 replaced get_relation_info_hook by build_simple_rel_hook, which is called for every kind of entry.
#if PG_VERSION_NUM >= 190000
#define SOFTDELETE_RELATION_HOOK build_simple_rel_hook
#define SOFTDELETE_RELATION_HOOK_PARAMETERS PlannerInfo *root, RelOptInfo *relation, RangeTblEntry *rte
#define SOFTDELETE_RELATION_HOOK_ARGUMENTS root, relation, rte
#else
#define SOFTDELETE_RELATION_HOOK get_relation_info_hook
#define SOFTDELETE_RELATION_HOOK_PARAMETERS                                                                  \
    PlannerInfo *root, Oid relation_id, bool is_parent, RelOptInfo *relation
#define SOFTDELETE_RELATION_HOOK_ARGUMENTS root, relation_id, is_parent, relation
#endif

} // namespace softdelete::pg::compat
