// Row security follows DDL: our default policy gives way to the user's permissive ones and comes back after the last of
// them, partitions get their policies, and nobody takes ours away unnoticed.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// Before a command: refuses to create, alter or rename a policy under our names and to disable row security where the
// user's policies would go out of force with ours. Plain server code. Errors: 55000, 42939.
void refuse_policy_change(const DdlCommand &command);

// After CREATE POLICY, or CREATE and ALTER TABLE: brings the policies of the table in step, where it is registered with
// visibility rls. Errors: 55000 where a new partition has policies that are not in force.
void follow_policies(const DdlCommand &command);

// After a drop: refuses where one of our policies went alone, and brings those of tables that lost another in step.
// Errors: 2BP01.
void follow_dropped_policies();

// Before the extension goes: takes our policies from all tables.
void leave_policies();

} // namespace softdelete::ddl
