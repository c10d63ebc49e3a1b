// Builds the expressions that the transformations put into a query. Plain server code.
#pragma once

#include "session/registered_table.hpp"

extern "C" {
#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"
}

namespace softdelete::planner {

// A variable for a column of the range table entry at index reference.
Var *make_column(Oid relation, Index reference, AttrNumber attribute);

// deleted_at IS NULL or IS NOT NULL of the entry at index reference.
Node *make_deleted_test(const session::RegisteredTable &table, Index reference, NullTestType test);

// condition AND *conditions, in place; the new one is evaluated first.
void add_condition(Node **conditions, Node *condition);

// A call of one of the extension's functions with the given result type.
Node *make_call(Oid function, Oid result, List *arguments);

// Does the function run for a call that make_call() put into a plan? No statement can contain such a call by itself.
bool is_own_call(FunctionCallInfo call);

// The same of the call itself.
bool is_own_call(const FuncExpr *call);

Node *make_regclass(Oid relation);
Node *make_typmod(int32 typmod);

// A target entry that assigns value to the column, cast as an assignment would.
TargetEntry *make_assignment(Oid relation, AttrNumber attribute, Node *value);

// The entry that assigns to the attribute; null where none does.
TargetEntry *find_assignment(List *target_list, AttrNumber attribute);

} // namespace softdelete::planner
