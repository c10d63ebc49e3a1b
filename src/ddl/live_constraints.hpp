// The statements that stand for UNIQUE constraints which a registered table gets.
#pragma once

#include "catalog/table_info.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

#include <string>

namespace softdelete::ddl {

// The name that the server would choose for the constraint.
std::string choose_constraint_name(const Constraint *constraint, Oid relation);

// The statement that stands for a UNIQUE constraint; empty where nothing is left to do. An index that the command names is
// partial already. relation: the table, or the partition of it that gets the constraint.
std::string make_replacement(const catalog::TableInfo &table, Oid relation, const Constraint *constraint,
                             const std::string &name);

} // namespace softdelete::ddl
