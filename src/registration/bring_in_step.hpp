// What repair() does, and event triggers where DDL left a table behind.
#pragma once

#include "pg/boundary.hpp"
#include "registration/table_work.hpp"

#include <vector>

namespace softdelete::registration {

// Views that register() adopted are the user's: after a command of his that dropped or changed one it stays so, for he may
// make it anew next. repair() makes it.
enum class Views { all, own };

// Makes what a registered table lacks or has differently: columns, indexes, triggers, views, the comment. Returns the
// steps that it took: none where all is well. Locks the table ACCESS EXCLUSIVE; acts as its owner.
// Errors: 42501 not the owner; 55000 not registered; those of register_table() for columns and views.
std::vector<model::Step> repair_table(Oid relation, Views views);

// Works out these steps and changes nothing. The same errors for columns and views.
void plan_repair(TableWork &work);

// What repair_table() does for the views that register() made and for nothing else: after a command that left all else in step.
void repair_views(Oid relation);

// Runs the steps of the work that change something, which are what is left of them, and records what they have made.
void run_and_record(TableWork &work);

} // namespace softdelete::registration
