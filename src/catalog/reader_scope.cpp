// Looks at the policies as the relation cache has them, and at what the planner evaluates by itself. Called by what lists
// deletions and conflicts, which go through tables of all owners, and by purge/purge_cycle. What is not known to be harmless
// counts as somebody's code.
#include "catalog/reader_scope.hpp"

#include "pg/compat.hpp"
#include "pg/relations.hpp"

extern "C" {
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rowsecurity.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/rls.h"
}

namespace softdelete::catalog {

namespace {

// Functions, operators and types of the server's own are not in pg_depend.
constexpr const char *planned_code_query = R"(
    WITH RECURSIVE tables (oid) AS (
        SELECT $1::pg_catalog.oid
        UNION SELECT h.inhrelid FROM pg_catalog.pg_inherits h JOIN tables t ON h.inhparent = t.oid)
    SELECT EXISTS (
        SELECT FROM tables t, LATERAL (
            SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid FROM pg_catalog.pg_index i WHERE i.indrelid = t.oid
            UNION ALL
            SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, s.oid FROM pg_catalog.pg_statistic_ext s WHERE s.stxrelid = t.oid
            UNION ALL
            SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, c.oid FROM pg_catalog.pg_constraint c WHERE c.conrelid = t.oid
            UNION ALL
            SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, p.partrelid FROM pg_catalog.pg_partitioned_table p WHERE p.partrelid = t.oid)
            AS planned (class, oid)
        JOIN pg_catalog.pg_depend d ON d.classid = planned.class AND d.objid = planned.oid
        WHERE d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass)
           OR d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objsubid = 0))";

// Those of the server's stable functions that look at the session alone: others run what their arguments name.
bool looks_at_session(Oid function) {
    switch (function) {
    case F_CURRENT_SETTING_TEXT:
    case F_CURRENT_SETTING_TEXT_BOOL:
    case F_CURRENT_USER:
    case F_SESSION_USER:
    case F_NOW:
    case F_PG_HAS_ROLE_NAME_TEXT:
    case F_PG_HAS_ROLE_OID_TEXT:
        return true;
    default:
        return false;
    }
}

bool is_others_function(Oid function, void *) {
    if (function < FirstNormalObjectId) {
        return func_volatile(function) != PROVOLATILE_IMMUTABLE && !looks_at_session(function);
    }
    Oid extension = getExtensionOfObject(ProcedureRelationId, function);
    return !OidIsValid(extension) || extension != get_extension_oid("softdelete", true);
}

// Types of users bring functions along: domains, ranges, arrays and rows of them.
bool runs_others_code(Node *node, void *nothing) {
    if (node == nullptr) {
        return false;
    }
    switch (nodeTag(node)) {
    case T_List:
    case T_CaseWhen:
        break;
    case T_Var:
    case T_Const:
    case T_FuncExpr:
    case T_OpExpr:
    case T_DistinctExpr:
    case T_NullIfExpr:
    case T_ScalarArrayOpExpr:
    case T_BoolExpr:
    case T_RelabelType:
    case T_CoerceViaIO:
    case T_CollateExpr:
    case T_CaseExpr:
    case T_CaseTestExpr:
    case T_CoalesceExpr:
    case T_ArrayExpr:
    case T_SQLValueFunction:
    case T_NullTest:
    case T_BooleanTest:
        if (exprType(node) >= FirstNormalObjectId
            || check_functions_in_node(node, is_others_function, nothing)) {
            return true;
        }
        break;
    default:
        return true;
    }
    return expression_tree_walker(node, pg::compat::walker(runs_others_code), nothing);
}

bool have_policies_code(Oid relation_id) {
    Relation relation = table_open(relation_id, AccessShareLock);
    List *conditions = NIL;
    bool has_code = false;
    ListCell *cell;
    // Nothing is looked up before all are copied.
    foreach (cell, relation->rd_rsdesc == nullptr ? NIL : relation->rd_rsdesc->policies) {
        const auto *policy = static_cast<const RowSecurityPolicy *>(lfirst(cell));
        if (policy->polcmd == '*' || policy->polcmd == ACL_SELECT_CHR) {
            has_code = has_code || policy->hassublinks;
            conditions = lappend(conditions, copyObjectImpl(policy->qual));
        }
    }
    table_close(relation, NoLock);
    return has_code || runs_others_code(reinterpret_cast<Node *>(conditions), nullptr);
}

enum class Reading { none, as_owner, as_caller };

Reading decide(pg::Spi &spi, Oid relation, Oid owner) {
    if (!pg::call([&] { return pg::compat::may_select(relation, GetUserId()); })) {
        return Reading::none;
    }
    if (OidIsValid(pg::call([&] { return pg::find_others_member(relation); }))) {
        return Reading::none;
    }
    if (!pg::call([&] { return check_enable_rls(relation, InvalidOid, true) == RLS_ENABLED; })) {
        return Reading::as_owner;
    }
    bool is_own = pg::call([&] { return GetUserId() == owner; });
    bool has_code =
        !is_own
        && (pg::call([&] { return have_policies_code(relation); }) || runs_code_when_planned(spi, relation));
    return has_code ? Reading::none : Reading::as_caller;
}

} // namespace

ReaderScope::ReaderScope(pg::Spi &spi, Oid relation, Oid owner) {
    Reading reading = decide(spi, relation, owner);
    may_read_ = reading != Reading::none;
    if (reading == Reading::as_owner) {
        owner_.emplace(owner);
    }
}

bool runs_code_when_planned(pg::Spi &spi, Oid relation) {
    return spi.query(planned_code_query, {relation}).front().boolean(0);
}

} // namespace softdelete::catalog
