// Our row-security policy in statements on tables with visibility rls. Where the statement says more itself the policy
// gives way to it: as a security barrier it would keep indexes from being used, and as a check on new rows it would
// refuse the soft delete. Plain server code.
#pragma once

#include "planner/registered_table.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace softdelete::planner {

// Takes the policy out of the reference's conditions, of which one remains, were it TRUE: the planner keeps values of the
// table's statistics from functions that may leak them where there are any. For references that the filter restricts to
// live rows, the target of a converted DELETE and the target of a restore.
void remove_own_policy(RangeTblEntry *rte, Index reference, const RegisteredTable &table);

// The check options without ours and without those that are always true.
List *remove_own_checks(List *options, const RegisteredTable &table);

} // namespace softdelete::planner
