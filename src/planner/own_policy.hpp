// Our row-security policy in statements on tables with visibility rls. Where the statement says more itself the policy
// gives way to it: as a security barrier it would keep indexes from being used, and as a check on new rows it would
// refuse the soft delete. Plain server code.
#pragma once

#include "session/registered_table.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace softdelete::planner {

// Leaves deleted_at IS NULL in the conditions of the user's own policies to our policy, where it is in force for the
// reference: a policy made by hand that says so means the same, but would keep deleted rows from admin roles and restores.
void adopt_policies(RangeTblEntry *rte, Index reference, const session::RegisteredTable &table);

// Takes the policy out of the reference's conditions, of which one remains, were it TRUE: the planner keeps values of the
// table's statistics from functions that may leak them where there are any. For references that the filter restricts to
// live rows, the target of a converted DELETE and the target of a restore.
void remove_own_policy(RangeTblEntry *rte, Index reference, const session::RegisteredTable &table);

// The check options of the target at reference, without ours and without those that are always true. Those of adopted
// policies let a row be deleted.
List *remove_own_checks(List *options, Index reference, const session::RegisteredTable &table);

} // namespace softdelete::planner
