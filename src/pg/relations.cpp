// Relations by OID, behind the boundary: locks, ownership, and what simple views say.
#include "pg/relations.hpp"

#include "pg/compat.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteHandler.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/syscache.h"
#include "utils/varlena.h"
}

#include <algorithm>
#include <cstring>

namespace softdelete::pg {

namespace {

LOCKMODE server_lock(Lock lock) {
    switch (lock) {
    case Lock::access_share:
        return AccessShareLock;
    case Lock::row_share:
        return RowShareLock;
    case Lock::share_update_exclusive:
        return ShareUpdateExclusiveLock;
    case Lock::share_row_exclusive:
        return ShareRowExclusiveLock;
    case Lock::access_exclusive:
        return AccessExclusiveLock;
    }
    pg_unreachable();
}

// The view's query, in the current memory context, with the names that its columns have now: RENAME COLUMN leaves those
// in the rule alone. Null where the view is gone: another session may have dropped it while this one waited for it.
Query *copy_view_query(Oid view) {
    Relation relation = try_relation_open(view, AccessShareLock);
    if (relation == nullptr) {
        return nullptr;
    }
    Query *query = static_cast<Query *>(copyObjectImpl(get_view_query(relation)));
    relation_close(relation, AccessShareLock);
    ListCell *cell;
    foreach (cell, query->targetList) {
        auto *entry = lfirst_node(TargetEntry, cell);
        entry->resname = entry->resjunk ? entry->resname : get_attname(view, entry->resno, false);
    }
    return query;
}

// The one range table entry that the query reads; null where it does anything but read one table with a condition.
RangeTblEntry *find_only_table(Query *query) {
    bool has_more = query->commandType != CMD_SELECT || query->hasAggs || query->hasWindowFuncs
                    || query->hasTargetSRFs || query->hasSubLinks || query->cteList != NIL
                    || query->setOperations || query->distinctClause != NIL || query->groupClause != NIL
                    || query->groupingSets != NIL || query->havingQual || query->sortClause != NIL
                    || query->limitCount || query->limitOffset || query->rowMarks != NIL;
    if (has_more || list_length(query->jointree->fromlist) != 1
        || !IsA(linitial(query->jointree->fromlist), RangeTblRef)) {
        return nullptr;
    }
    RangeTblEntry *rte =
        rt_fetch(linitial_node(RangeTblRef, query->jointree->fromlist)->rtindex, query->rtable);
    return rte->rtekind == RTE_RELATION && rte->inh && rte->tablesample == nullptr ? rte : nullptr;
}

const char *copy_column_name(Oid table, const Node *node) {
    if (node == nullptr || !IsA(node, Var) || reinterpret_cast<const Var *>(node)->varattno <= 0) {
        return nullptr;
    }
    return get_attname(table, reinterpret_cast<const Var *>(node)->varattno, false);
}

struct Condition {
    ViewCondition kind;
    const char *column;
    Oid function;
};

Condition read_condition(Oid table, Node *qual) {
    if (qual == nullptr) {
        return {ViewCondition::none, nullptr, InvalidOid};
    }
    if (IsA(qual, NullTest)) {
        auto *test = castNode(NullTest, qual);
        ViewCondition kind =
            test->nulltesttype == IS_NULL ? ViewCondition::column_is_null : ViewCondition::column_is_not_null;
        return {kind, copy_column_name(table, reinterpret_cast<Node *>(test->arg)), InvalidOid};
    }
    if (IsA(qual, FuncExpr) && list_length(castNode(FuncExpr, qual)->args) == 1) {
        auto *function = castNode(FuncExpr, qual);
        return {ViewCondition::function_of_column,
                copy_column_name(table, static_cast<Node *>(linitial(function->args))), function->funcid};
    }
    return {ViewCondition::other, nullptr, InvalidOid};
}

// What one side of a UNION reads, where that is this relation alone; null otherwise.
Query *find_side(const Query *query, Node *side, Oid relation) {
    if (side == nullptr || !IsA(side, RangeTblRef)) {
        return nullptr;
    }
    const RangeTblEntry *rte = rt_fetch(castNode(RangeTblRef, side)->rtindex, query->rtable);
    if (rte->rtekind != RTE_SUBQUERY || rte->subquery == nullptr) {
        return nullptr;
    }
    const RangeTblEntry *table = find_only_table(rte->subquery);
    return table != nullptr && table->relid == relation ? rte->subquery : nullptr;
}

// What is cast to another type, as an archive's columns are to types with modifiers and to domains.
Node *strip_casts(Node *value) {
    for (;;) {
        if (IsA(value, CoerceToDomain)) {
            value = reinterpret_cast<Node *>(castNode(CoerceToDomain, value)->arg);
        } else if (IsA(value, RelabelType)) {
            value = reinterpret_cast<Node *>(castNode(RelabelType, value)->arg);
        } else if (IsA(value, FuncExpr) && castNode(FuncExpr, value)->funcformat != COERCE_EXPLICIT_CALL
                   && castNode(FuncExpr, value)->args != NIL) {
            value = static_cast<Node *>(linitial(castNode(FuncExpr, value)->args));
        } else {
            return value;
        }
    }
}

const char *copy_shown_name(const Query *side, int place, Oid relation) {
    const auto *entry = static_cast<TargetEntry *>(list_nth(side->targetList, place));
    const char *name = copy_column_name(relation, strip_casts(reinterpret_cast<Node *>(entry->expr)));
    return name == nullptr ? "" : name;
}

} // namespace

void lock_relation(Oid relation, Lock lock) {
    call([&] {
        LockRelationOid(relation, server_lock(lock));
        if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relation))) {
            ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                            errmsg("relation with OID %u does not exist", relation)));
        }
    });
}

bool lock_if_there(Oid relation, Lock lock) {
    return call([&] {
        LockRelationOid(relation, server_lock(lock));
        if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relation))) {
            return true;
        }
        UnlockRelationOid(relation, server_lock(lock));
        return false;
    });
}

bool has_rules(Oid relation) {
    HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
    bool has = HeapTupleIsValid(row) && reinterpret_cast<Form_pg_class>(GETSTRUCT(row))->relhasrules;
    if (HeapTupleIsValid(row)) {
        ReleaseSysCache(row);
    }
    return has;
}

bool has_privilege(Oid relation, Privilege privilege) {
    const AclMode mode = privilege == Privilege::select   ? ACL_SELECT
                         : privilege == Privilege::update ? ACL_UPDATE
                                                          : ACL_DELETE;
    return call([&] { return pg_class_aclcheck(relation, GetUserId(), mode) == ACLCHECK_OK; });
}

bool is_row_security_active(Oid relation) {
    return call([&] { return check_enable_rls(relation, InvalidOid, true) == RLS_ENABLED; });
}

bool is_row_security_forced(Oid relation) {
    return call([&] {
        HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
        const bool is_forced =
            HeapTupleIsValid(tuple) && reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relforcerowsecurity;
        if (HeapTupleIsValid(tuple)) {
            ReleaseSysCache(tuple);
        }
        return is_forced;
    });
}

bool may_update_something(Oid relation) {
    return call([&] {
        return pg_class_aclcheck(relation, GetUserId(), ACL_UPDATE) == ACLCHECK_OK
               || pg_attribute_aclcheck_all(relation, GetUserId(), ACL_UPDATE, ACLMASK_ANY) == ACLCHECK_OK;
    });
}

bool may_change(Oid relation) {
    return has_privilege(relation, Privilege::remove) || may_update_something(relation);
}

bool owns_relation(Oid relation) {
    return call([&] { return compat::owns_relation(relation, GetUserId()); });
}

Oid get_owner(Oid relation) {
    HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
    if (!HeapTupleIsValid(row)) {
        ereport(ERROR,
                (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", relation)));
    }
    Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(row))->relowner;
    ReleaseSysCache(row);
    return owner;
}

Oid find_others_member(Oid table) {
    if (!has_subclass(table)) {
        return InvalidOid;
    }
    Oid owner = get_owner(table);
    ListCell *cell;
    foreach (cell, find_all_inheritors(table, NoLock, nullptr)) {
        Oid member = lfirst_oid(cell);
        // One that another session drops meanwhile is no member any more.
        bool is_others = get_rel_name(member) != nullptr && !has_privs_of_role(get_owner(member), owner);
        if (is_others) {
            return member;
        }
    }
    return InvalidOid;
}

bool may_show_values(Oid relation) {
    return compat::may_select(relation, GetUserId())
           && check_enable_rls(relation, InvalidOid, true) != RLS_ENABLED;
}

bool may_lock_rows(Oid relation, Oid role) {
    constexpr AclMode mode = ACL_SELECT | ACL_UPDATE;
    Datum may_use_schema = DirectFunctionCall3(has_schema_privilege_id_id, ObjectIdGetDatum(role),
                                               ObjectIdGetDatum(get_rel_namespace(relation)),
                                               PointerGetDatum(cstring_to_text("USAGE")));
    return DatumGetBool(may_use_schema) && pg_class_aclmask(relation, role, mode, ACLMASK_ALL) == mode;
}

SimpleView read_view(Oid relation) {
    return read_view_query(call([&] { return copy_view_query(relation); }));
}

SimpleView read_view_query(Query *query) {
    RangeTblEntry *rte = query == nullptr ? nullptr : call([&] { return find_only_table(query); });
    SimpleView view;
    if (rte == nullptr) {
        return view;
    }
    Condition condition = call([&] { return read_condition(rte->relid, query->jointree->quals); });
    view.is_simple = true;
    view.table = rte->relid;
    view.condition = condition.kind;
    view.condition_column = condition.column == nullptr ? "" : condition.column;
    view.function = condition.function;
    int length = list_length(query->targetList);
    for (int i = 0; i < length; i++) {
        auto *entry = static_cast<TargetEntry *>(list_nth(query->targetList, i));
        const char *column =
            call([&] { return copy_column_name(rte->relid, reinterpret_cast<Node *>(entry->expr)); });
        if (column == nullptr || entry->resjunk) {
            view.is_simple = false;
            return view;
        }
        view.columns.emplace_back(entry->resname, column);
    }
    return view;
}

std::vector<UnionColumn> read_union(Oid view, Oid first, Oid second) {
    struct Union {
        Query *query;
        Query *first;
        Query *second;
    };

    const Union found = call([&] {
        Query *query = copy_view_query(view);
        auto *set = query == nullptr || query->setOperations == nullptr
                        ? nullptr
                        : castNode(SetOperationStmt, query->setOperations);
        return set == nullptr
                   ? Union{query, nullptr, nullptr}
                   : Union{query, find_side(query, set->larg, first), find_side(query, set->rarg, second)};
    });
    std::vector<UnionColumn> columns;
    const int length =
        found.first == nullptr || found.second == nullptr ? 0 : list_length(found.query->targetList);
    for (int i = 0; i < length; i++) {
        columns.push_back({static_cast<TargetEntry *>(list_nth(found.query->targetList, i))->resname,
                           call([&] { return copy_shown_name(found.first, i, first); }),
                           call([&] { return copy_shown_name(found.second, i, second); })});
    }
    return columns;
}

std::vector<std::string> split_libraries(const std::string &list) {
    List *names = call([&] {
        List *found = NIL;
        return SplitDirectoriesString(pstrdup(list.c_str()), ',', &found) ? found : NIL;
    });
    std::vector<std::string> libraries;
    ListCell *cell;
    foreach (cell, names) {
        libraries.emplace_back(static_cast<const char *>(lfirst(cell)));
    }
    return libraries;
}

bool names_library(const std::string &list, const std::string &library) {
    const std::vector<std::string> libraries = split_libraries(list);
    return std::any_of(libraries.begin(), libraries.end(), [&](const std::string &path) {
        const std::string name = path.substr(path.rfind('/') + 1);
        return name == library || name == library + DLSUFFIX;
    });
}

std::string shared_preload_libraries() {
    return shared_preload_libraries_string == nullptr ? "" : shared_preload_libraries_string;
}

std::string session_preload_libraries() {
    return session_preload_libraries_string == nullptr ? "" : session_preload_libraries_string;
}

} // namespace softdelete::pg
