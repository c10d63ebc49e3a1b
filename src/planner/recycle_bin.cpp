// The recycle-bin rule: collects the AND-ed conditions that restrict a reference at its own query level and asks of
// each that is about deleted_at alone, or about deletion_id alone, what it says of NULL.
#include "planner/recycle_bin.hpp"

#include "pg/compat.hpp"
#include "planner/never_true.hpp"
#include "session/extension_functions.hpp"

extern "C" {
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
}

namespace softdelete::planner {

namespace {

struct Column {
    Index reference;
    AttrNumber attribute;
};

// The conditions that restrict a reference at its own level. Those that reach its scan are a subset: above the nullable
// side of an outer join, deleted_at IS NULL is true of rows that the join made up.
struct Conditions {
    List *all;
    List *reaching;
};

enum class Position { absent, plain, nullable };

void add(Conditions *conditions, Node *condition, Position position) {
    if (condition == nullptr || position == Position::absent) {
        return;
    }
    conditions->all = lappend(conditions->all, condition);
    if (position == Position::plain) {
        conditions->reaching = lappend(conditions->reaching, condition);
    }
}

Position gather(Node *node, Index reference, Conditions *conditions);

// The ON condition of an outer join restricts its nullable side only, that of a full join neither.
Position gather_join(JoinExpr *join, Index reference, Conditions *conditions) {
    Position left = gather(join->larg, reference, conditions);
    Position right = left == Position::absent ? gather(join->rarg, reference, conditions) : Position::absent;
    bool is_right = right != Position::absent;
    Position position = is_right ? right : left;
    bool is_nullable =
        (join->jointype == JOIN_LEFT && is_right) || (join->jointype == JOIN_RIGHT && !is_right);
    if (join->jointype == JOIN_INNER || is_nullable) {
        add(conditions, join->quals, position);
    }
    return position != Position::absent && (is_nullable || join->jointype == JOIN_FULL) ? Position::nullable
                                                                                        : position;
}

Position gather(Node *node, Index reference, Conditions *conditions) {
    if (node == nullptr) {
        return Position::absent;
    }
    if (IsA(node, RangeTblRef)) {
        bool found = static_cast<Index>(castNode(RangeTblRef, node)->rtindex) == reference;
        return found ? Position::plain : Position::absent;
    }
    if (IsA(node, JoinExpr)) {
        return gather_join(castNode(JoinExpr, node), reference, conditions);
    }
    FromExpr *from = castNode(FromExpr, node);
    Position position = Position::absent;
    ListCell *cell;
    foreach (cell, from->fromlist) {
        if (position == Position::absent) {
            position = gather(static_cast<Node *>(lfirst(cell)), reference, conditions);
        }
    }
    add(conditions, from->quals, position);
    return position;
}

Conditions conditions_on(Query *query, Index reference) {
    Conditions conditions = {};
    if (query->commandType != CMD_MERGE) {
        gather(reinterpret_cast<Node *>(query->jointree), reference, &conditions);
        return conditions;
    }
    // MERGE: the target is the nullable side of a join whose condition stands apart; the source is preserved.
    if (reference == static_cast<Index>(query->resultRelation)) {
        if (!pg::compat::merge_keeps_unmatched_target(query)) {
            add(&conditions, pg::compat::merge_join_condition(query), Position::nullable);
        }
        return conditions;
    }
    ListCell *cell;
    foreach (cell, query->jointree->fromlist) {
        gather(static_cast<Node *>(lfirst(cell)), reference, &conditions);
    }
    return conditions;
}

struct MentionContext {
    Query *query;
    Column column;
    AttrNumber other; // a further column of the reference that will do
};

// Cheap test before the copying starts. A column of a join may turn out to be ours.
bool may_mention(Node *node, MentionContext *context) {
    if (node == nullptr) {
        return false;
    }
    if (IsA(node, Var)) {
        const Var *var = castNode(Var, node);
        if (var->varlevelsup != 0) {
            return false;
        }
        if (static_cast<Index>(var->varno) == context->column.reference) {
            return var->varattno == context->column.attribute || var->varattno == context->other;
        }
        return rt_fetch(var->varno, context->query->rtable)->rtekind == RTE_JOIN;
    }
    return expression_tree_walker(node, pg::compat::walker(may_mention), context);
}

struct AloneContext {
    Column column;
    Index depth;
    bool mentioned;
};

// Stops with true at the first variable that is not the column. Variables of sub-selects' own levels do not count.
bool mentions_another(Node *node, AloneContext *context) {
    if (node == nullptr) {
        return false;
    }
    if (IsA(node, Var)) {
        const Var *var = castNode(Var, node);
        if (var->varlevelsup < context->depth) {
            return false;
        }
        bool is_column = var->varlevelsup == context->depth
                         && static_cast<Index>(var->varno) == context->column.reference
                         && var->varattno == context->column.attribute;
        context->mentioned = context->mentioned || is_column;
        return !is_column;
    }
    if (IsA(node, Query)) {
        context->depth++;
        bool found =
            query_tree_walker(castNode(Query, node), pg::compat::walker(mentions_another), context, 0);
        context->depth--;
        return found;
    }
    return expression_tree_walker(node, pg::compat::walker(mentions_another), context);
}

bool is_about_column_alone(Node *condition, Column column) {
    AloneContext context = {column, 0, false};
    return !mentions_another(condition, &context) && context.mentioned;
}

bool is_include_deleted(Node *condition) {
    if (!IsA(condition, FuncExpr)) {
        return false;
    }
    const session::ExtensionFunctions *functions = session::find_extension_functions();
    return functions != nullptr && castNode(FuncExpr, condition)->funcid == functions->include_deleted;
}

bool is_null_test(Node *condition) {
    return IsA(condition, NullTest) && castNode(NullTest, condition)->nulltesttype == IS_NULL
           && IsA(castNode(NullTest, condition)->arg, Var);
}

// A condition without those of its AND-ed parts that are a call of include_deleted(); null where nothing is left.
Node *without_include_deleted(Node *condition) {
    if (condition == nullptr || is_include_deleted(condition)) {
        return nullptr;
    }
    if (!is_andclause(condition)) {
        return condition;
    }
    List *rest = NIL;
    ListCell *cell;
    foreach (cell, castNode(BoolExpr, condition)->args) {
        Node *part = without_include_deleted(static_cast<Node *>(lfirst(cell)));
        rest = part == nullptr ? rest : lappend(rest, part);
    }
    return rest == NIL ? nullptr : reinterpret_cast<Node *>(make_ands_explicit(rest));
}

void drop_include_deleted_from(Node *node) {
    if (node == nullptr) {
        return;
    }
    if (IsA(node, JoinExpr)) {
        JoinExpr *join = castNode(JoinExpr, node);
        drop_include_deleted_from(join->larg);
        drop_include_deleted_from(join->rarg);
        join->quals = without_include_deleted(join->quals);
    } else if (IsA(node, FromExpr)) {
        FromExpr *from = castNode(FromExpr, node);
        ListCell *cell;
        foreach (cell, from->fromlist) {
            drop_include_deleted_from(static_cast<Node *>(lfirst(cell)));
        }
        from->quals = without_include_deleted(from->quals);
    }
}

// What the level says of its reference's deleted_at and deletion_id.
struct Answer {
    bool only_deleted;     // of deleted_at alone
    bool only_of_deletion; // of deletion_id alone, which is null in live rows
    bool all;
    bool only_live;         // says deleted_at IS NULL ...
    bool only_live_at_scan; // ... where it makes the filter superfluous
};

Answer ask_conditions(Query *query, Index reference, const session::RegisteredTable &table) {
    Answer answer = {};
    Column column = {reference, table.deleted_at};
    Column deletion = {reference, table.deletion_id};
    MentionContext mention = {query, column, table.deletion_id};
    Conditions conditions = conditions_on(query, reference);
    ListCell *cell;
    foreach (cell, conditions.all) {
        Node *condition = static_cast<Node *>(lfirst(cell));
        if (!may_mention(condition, &mention)) {
            continue;
        }
        // Without parameters' values, so that custom and generic plans agree.
        Node *folded = eval_const_expressions(
            nullptr,
            pg::compat::flatten_join_alias_vars(query, static_cast<Node *>(copyObjectImpl(condition))));
        ListCell *conjunct;
        foreach (conjunct, make_ands_implicit(reinterpret_cast<Expr *>(folded))) {
            Node *part = static_cast<Node *>(lfirst(conjunct));
            if (is_about_column_alone(part, deletion)) {
                answer.only_of_deletion = answer.only_of_deletion || is_never_true_for_null(part);
            }
            if (!is_about_column_alone(part, column)) {
                continue;
            }
            bool is_live = is_null_test(part);
            answer.all = answer.all || is_include_deleted(part);
            answer.only_live = answer.only_live || is_live;
            answer.only_live_at_scan =
                answer.only_live_at_scan || (is_live && list_member_ptr(conditions.reaching, condition));
            answer.only_deleted = answer.only_deleted || is_never_true_for_null(part);
        }
    }
    return answer;
}

} // namespace

bool matches_only_deleted_rows(Query *query, Index reference, const session::RegisteredTable &table) {
    return ask_conditions(query, reference, table).only_deleted;
}

void drop_include_deleted(Query *query) {
    drop_include_deleted_from(reinterpret_cast<Node *>(query->jointree));
}

ReferenceView view_of(Query *query, Index reference, const session::RegisteredTable &table,
                      const session::Statement &statement) {
    RangeTblEntry *rte = rt_fetch(reference, query->rtable);
    if (table.visibility == session::TableVisibility::rls && !statement.is_foreign_key
        && OidIsValid(pg::compat::permission_info(query, rte)->checkAsUser)) {
        return {false, settings::Visibility::active};
    }
    return {statement.is_unfiltered || table.visibility == session::TableVisibility::view
                || statement.visibility == settings::Visibility::all,
            statement.visibility};
}

Scope decide_scope(Query *query, Index reference, const session::RegisteredTable &table,
                   const session::Statement &statement) {
    ReferenceView view = view_of(query, reference, table, statement);
    bool sees_all = view.is_unfiltered;
    bool is_target = query->resultRelation == static_cast<int>(reference);
    bool is_batch = list_member_oid(statement.deleted_from, table.relation);
    if (statement.is_foreign_key || (sees_all && !is_batch)) {
        return Scope::all;
    }
    Answer answer = ask_conditions(query, reference, table);
    if (view.visibility == settings::Visibility::deleted && !sees_all && (is_target || !is_batch)) {
        return answer.only_live || answer.all ? Scope::all : Scope::deleted;
    }
    // The filter takes the place of our policy, which a condition of the user's must not.
    bool is_superfluous = answer.only_live_at_scan && table.visibility != session::TableVisibility::rls;
    // A target shows nothing: what a statement may change is for deleted_at to say.
    bool asks_for_deletion = answer.only_of_deletion && !is_target;
    return answer.only_deleted || asks_for_deletion || answer.all || is_superfluous ? Scope::all
                                                                                    : Scope::live;
}

} // namespace softdelete::planner
