// Puts checks into statements that write deleted_at, deleted_by or deletion_id themselves, recognises restores by
// UPDATE, and gives upserts the condition of the partial unique index. Called by planner/transform_query.
#include "planner/convert_update.hpp"

#include "pg/compat.hpp"
#include "planner/convert_delete.hpp"
#include "planner/expressions.hpp"
#include "planner/key_locks.hpp"
#include "planner/pinned_key.hpp"
#include "planner/recycle_bin.hpp"
#include "session/extension_functions.hpp"
#include "session/session_visibility.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
}

#include <initializer_list>

namespace softdelete::planner {

namespace {

Node *expression_of(const TargetEntry *entry) {
    return reinterpret_cast<Node *>(entry->expr);
}

// The value below casts of all kinds.
Node *strip_casts(Node *node) {
    for (;;) {
        if (IsA(node, RelabelType)) {
            node = reinterpret_cast<Node *>(castNode(RelabelType, node)->arg);
        } else if (IsA(node, CoerceViaIO)) {
            node = reinterpret_cast<Node *>(castNode(CoerceViaIO, node)->arg);
        } else if (IsA(node, CoerceToDomain)) {
            node = reinterpret_cast<Node *>(castNode(CoerceToDomain, node)->arg);
        } else if (IsA(node, FuncExpr)
                   && (castNode(FuncExpr, node)->funcformat == COERCE_EXPLICIT_CAST
                       || castNode(FuncExpr, node)->funcformat == COERCE_IMPLICIT_CAST)) {
            node = static_cast<Node *>(linitial(castNode(FuncExpr, node)->args));
        } else {
            return node;
        }
    }
}

bool assigns_null(const TargetEntry *entry) {
    return is_null_literal(expression_of(entry));
}

bool is_parameter(const TargetEntry *entry) {
    Node *value = strip_casts(expression_of(entry));
    return IsA(value, Param) && castNode(Param, value)->paramkind == PARAM_EXTERN;
}

Node *old_value(Query *query, const session::RegisteredTable &table, AttrNumber attribute) {
    return reinterpret_cast<Node *>(
        make_column(table.relation, static_cast<Index>(query->resultRelation), attribute));
}

// Changes the entry of a column or appends one, and says so in the permission data.
List *assign(Query *query, List *assignments, const session::RegisteredTable &table, AttrNumber attribute,
             Node *value) {
    TargetEntry *entry = find_assignment(assignments, attribute);
    if (entry != nullptr) {
        entry->expr = reinterpret_cast<Expr *>(value);
        return assignments;
    }
    RangeTblEntry *rte = rt_fetch(query->resultRelation, query->rtable);
    pg::compat::note_updated_column(query, rte, attribute);
    return lappend(assignments, make_assignment(table.relation, attribute, value));
}

Node *null_of(const session::RegisteredTable &table, AttrNumber attribute) {
    Var *column = make_column(table.relation, 1, attribute);
    return reinterpret_cast<Node *>(makeNullConst(column->vartype, column->vartypmod, column->varcollid));
}

Node *checked_deletion_id(Node *value, Node *old) {
    return make_call(session::find_extension_functions()->check_deletion_id, INT8OID, list_make2(value, old));
}

// Puts the entries of the attributes last, in that order: they are evaluated after what else is assigned. What the server alone
// uses stays behind them.
List *put_last(List *assignments, std::initializer_list<AttrNumber> attributes) {
    List *last = NIL;
    for (AttrNumber attribute : attributes) {
        if (TargetEntry *entry = find_assignment(assignments, attribute); entry != nullptr) {
            last = lappend(last, entry);
            assignments = list_delete_ptr(assignments, entry);
        }
    }
    List *junk = NIL;
    List *first = NIL;
    ListCell *cell;
    foreach (cell, assignments) {
        auto *entry = lfirst_node(TargetEntry, cell);
        (entry->resjunk ? junk : first) = lappend(entry->resjunk ? junk : first, entry);
    }
    return list_concat(list_concat(first, last), junk);
}

// The wrapped value and the old one decide what happens to the row. The calls for the other columns are evaluated right
// after it, and that for deletion_id last, which sees to the row's lock: whatever else is assigned may run statements, which
// decide about rows of their own.
List *convert_deleted_at(Query *query, List *assignments, const session::RegisteredTable &table,
                         TargetEntry *entry) {
    const session::ExtensionFunctions *functions = session::find_extension_functions();
    Oid type = exprType(expression_of(entry));
    Node *old = old_value(query, table, table.deleted_at);
    pg::compat::move_permission_check(query, rt_fetch(query->resultRelation, query->rtable));
    entry->expr = reinterpret_cast<Expr *>(
        make_call(functions->assign_deleted_at, type,
                  list_make3(expression_of(entry), old, make_regclass(table.relation))));
    Node *old_id = old_value(query, table, table.deletion_id);
    if (TargetEntry *id = find_assignment(assignments, table.deletion_id); id != nullptr) {
        old_id = checked_deletion_id(expression_of(id), old_id);
    }
    assignments = assign(
        query, assignments, table, table.deletion_id,
        make_call(functions->assign_deletion_id, INT8OID, list_make2(old_id, make_regclass(table.relation))));
    if (table.deleted_by != InvalidAttrNumber && find_assignment(assignments, table.deleted_by) == nullptr) {
        Var *column =
            make_column(table.relation, static_cast<Index>(query->resultRelation), table.deleted_by);
        Node *actor = make_call(functions->assign_deleted_by, column->vartype,
                                list_make2(column, make_typmod(column->vartypmod)));
        assignments = assign(query, assignments, table, table.deleted_by, actor);
    }
    return put_last(assignments, {table.deleted_at, table.deleted_by, table.deletion_id});
}

// A column of a date and time type, such as updated_at.
bool is_time(Oid relation, AttrNumber attribute) {
    char category = '\0';
    bool is_preferred = false;
    get_type_category_preferred(getBaseType(get_atttype(relation, attribute)), &category, &is_preferred);
    return category == TYPCATEGORY_DATETIME;
}

Node *make_null_test(const TargetEntry *entry, NullTestType kind) {
    NullTest *test = makeNode(NullTest);
    test->arg = static_cast<Expr *>(copyObjectImpl(entry->expr));
    test->nulltesttype = kind;
    test->argisrow = false;
    test->location = -1;
    return reinterpret_cast<Node *>(test);
}

Node *make_either(Node *left, Node *right) {
    return reinterpret_cast<Node *>(make_orclause(list_make2(left, right)));
}

// Is it one of several columns that a sub-select gives? Such a value cannot be asked for twice.
bool is_of_row_assignment(Node *node, void *context) {
    if (node == nullptr) {
        return false;
    }
    if (IsA(node, Param)) {
        return castNode(Param, node)->paramkind == PARAM_MULTIEXPR;
    }
    return expression_tree_walker(node, pg::compat::walker(is_of_row_assignment), context);
}

// The rows that a restore is about. Where it names them by their key the condition is written so that it implies no partial
// index: to statistics that are older than the deletion, the index of deleted rows is empty and cheaper than any key.
Node *make_deleted_condition(Query *query, const session::RegisteredTable &table) {
    Index target = static_cast<Index>(query->resultRelation);
    if (!pins_primary_key(query)) {
        return make_deleted_test(table, target, IS_NOT_NULL);
    }
    auto *test = makeNode(BooleanTest);
    test->arg = reinterpret_cast<Expr *>(make_deleted_test(table, target, IS_NULL));
    test->booltesttype = IS_NOT_TRUE;
    test->location = -1;
    return reinterpret_cast<Node *>(test);
}

} // namespace

bool is_null_literal(Node *value) {
    value = strip_casts(value);
    return IsA(value, Const) && castNode(Const, value)->constisnull;
}

RestoreKind kind_of_restore(List *assignments, const session::RegisteredTable &table) {
    const TargetEntry *deleted_at = find_assignment(assignments, table.deleted_at);
    if (deleted_at == nullptr || !(assigns_null(deleted_at) || is_parameter(deleted_at))) {
        return RestoreKind::none;
    }
    RestoreKind kind = is_parameter(deleted_at) ? RestoreKind::where_null : RestoreKind::plain;
    ListCell *cell;
    foreach (cell, assignments) {
        const TargetEntry *entry = lfirst_node(TargetEntry, cell);
        bool is_ours = entry->resjunk || entry->resno == table.deleted_at || entry->resno == table.deletion_id
                       || (table.deleted_by != InvalidAttrNumber && entry->resno == table.deleted_by);
        if (!is_ours && !is_time(table.relation, entry->resno)) {
            return RestoreKind::none;
        }
        if (!is_ours && kind == RestoreKind::plain) {
            kind = RestoreKind::with_times;
        }
    }
    return kind;
}

void convert_restore(Query *query, const session::RegisteredTable &table) {
    pg::compat::move_permission_check(query, rt_fetch(query->resultRelation, query->rtable));
    Node *no_deletion = make_call(session::find_extension_functions()->note_restored, INT8OID,
                                  list_make1(old_value(query, table, table.deletion_id)));
    query->targetList = assign(query, query->targetList, table, table.deletion_id, no_deletion);
    if (table.deleted_by != InvalidAttrNumber
        && find_assignment(query->targetList, table.deleted_by) == nullptr) {
        query->targetList =
            assign(query, query->targetList, table, table.deleted_by, null_of(table, table.deleted_by));
    }
    add_condition(&query->jointree->quals, make_deleted_condition(query, table));
}

void convert_restore_on_shard(Query *query, const session::RegisteredTable &table) {
    bool is_plain = kind_of_restore(query->targetList, table) == RestoreKind::plain;
    pg::compat::move_permission_check(query, rt_fetch(query->resultRelation, query->rtable));
    for (AttrNumber column : {table.deletion_id, table.deleted_by}) {
        bool is_ours =
            column == table.deletion_id
            || (column != InvalidAttrNumber && find_assignment(query->targetList, column) == nullptr);
        if (is_ours) {
            query->targetList = assign(query, query->targetList, table, column, null_of(table, column));
        }
    }
    if (is_plain) {
        add_condition(&query->jointree->quals, make_deleted_condition(query, table));
    }
}

void restrict_restore(Query *query, const session::RegisteredTable &table) {
    const TargetEntry *deleted_at = find_assignment(query->targetList, table.deleted_at);
    Node *is_live = make_deleted_test(table, static_cast<Index>(query->resultRelation), IS_NULL);
    add_condition(&query->jointree->quals, make_either(is_live, make_null_test(deleted_at, IS_NULL)));
}

void keep_deleted(Query *query, List *assignments, const session::RegisteredTable &table, Node **conditions) {
    const TargetEntry *deleted_at = find_assignment(assignments, table.deleted_at);
    if (deleted_at == nullptr || contain_volatile_functions(expression_of(deleted_at))) {
        return;
    }
    Node *is_live = make_deleted_test(table, static_cast<Index>(query->resultRelation), IS_NULL);
    if (is_of_row_assignment(expression_of(deleted_at), nullptr)) {
        add_condition(conditions, is_live);
        return;
    }
    add_condition(conditions, make_either(is_live, make_null_test(deleted_at, IS_NOT_NULL)));
}

List *convert_assignments(Query *query, List *assignments, const session::RegisteredTable &table,
                          session::Statement *statement) {
    if (TargetEntry *entry = find_assignment(assignments, table.deleted_at); entry != nullptr) {
        check_writable(table, false, "delete or restore rows of");
        statement->notes |= session::note_soft | session::note_lock_rows;
        if (query->commandType == CMD_UPDATE) {
            spare_keys(query, rt_fetch(query->resultRelation, query->rtable));
        }
        return convert_deleted_at(query, assignments, table, entry);
    }
    if (TargetEntry *id = find_assignment(assignments, table.deletion_id); id != nullptr) {
        id->expr = reinterpret_cast<Expr *>(
            checked_deletion_id(expression_of(id), old_value(query, table, table.deletion_id)));
    }
    return assignments;
}

void check_inserted(List *values, const session::RegisteredTable &table, session::Statement *statement) {
    if (statement->is_foreign_key) {
        return;
    }
    if (statement->is_unfiltered) {
        statement->depends_on_role = true;
        if (session::may_load(table.relation)) {
            return;
        }
    }
    TargetEntry *deleted_at = find_assignment(values, table.deleted_at);
    if (deleted_at != nullptr && !assigns_null(deleted_at)) {
        Oid type = exprType(expression_of(deleted_at));
        deleted_at->expr = reinterpret_cast<Expr *>(
            make_call(session::find_extension_functions()->check_deleted_at, type,
                      list_make2(expression_of(deleted_at), make_regclass(table.relation))));
    }
    TargetEntry *id = find_assignment(values, table.deletion_id);
    if (id != nullptr && !assigns_null(id)) {
        id->expr = reinterpret_cast<Expr *>(
            checked_deletion_id(expression_of(id), null_of(table, table.deletion_id)));
    }
}

void convert_insert(Query *query, const session::RegisteredTable &table, session::Statement *statement) {
    check_inserted(query->targetList, table, statement);
    if (query->onConflict != nullptr) {
        convert_conflict(query, table, statement);
    }
}

void infer_among_live(Query *query, const session::RegisteredTable &table) {
    if (query->onConflict->arbiterElems != NIL) {
        add_condition(&query->onConflict->arbiterWhere,
                      make_deleted_test(table, static_cast<Index>(query->resultRelation), IS_NULL));
    }
}

void convert_conflict(Query *query, const session::RegisteredTable &table, session::Statement *statement) {
    OnConflictExpr *conflict = query->onConflict;
    infer_among_live(query, table);
    if (conflict->action == ONCONFLICT_UPDATE) {
        conflict->onConflictSet = convert_assignments(query, conflict->onConflictSet, table, statement);
    }
    bool is_select = pg::compat::returns_conflicting_row(conflict);
    if (conflict->action == ONCONFLICT_UPDATE || is_select) {
        Node *refusal = make_call(session::find_extension_functions()->refuse_deleted, BOOLOID,
                                  list_make3(old_value(query, table, table.deleted_at),
                                             make_regclass(table.relation), makeBoolConst(is_select, false)));
        add_condition(&conflict->onConflictWhere, refusal);
    }
}

} // namespace softdelete::planner
