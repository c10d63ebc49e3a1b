// check() as users call it.
#pragma once

#include "checkup/finding.hpp"

namespace softdelete::checkup {

const char *to_text(Severity severity);

// What is risky or left undone, the worst first: of one registered table, or without a relation of the database and of all
// registered tables that the caller owns, or may watch as a member of pg_monitor or as the database's owner. Of one table it
// counts rows as well, where only they tell. Reads, takes ACCESS SHARE locks, acts as the tables' owners.
// Errors: 42501 not the owner nor a monitor; 42P01 no such relation; 55000 not registered.
Findings check(std::optional<Oid> relation);

} // namespace softdelete::checkup
