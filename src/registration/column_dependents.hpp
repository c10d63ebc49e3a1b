// What depends on the columns that go when a registration ends: what is made without them, what goes with them, what is in the way.
#pragma once

#include "registration/table_work.hpp"

namespace softdelete::registration {

// Which columns go: those that register() added, or all that tell of a deletion, as where another strategy keeps that elsewhere.
enum class EndingColumns { added, all };

// Their names, the last one that was added first.
std::vector<std::string> find_ending_columns(const TableWork &work, EndingColumns columns);

// Indexes and exclusion constraints of users' whose condition is that the row is live, and that have no record as a converted one:
// without the condition they say the same of a table that has live rows only.
std::vector<registry::ConvertedIndex> find_live_indexes(const TableWork &work,
                                                        const std::vector<std::string> &columns);

// A converted index that goes with the columns, and need not be what it was before.
bool is_going(const TableWork &work, const registry::ConvertedIndex &record,
              const std::vector<std::string> &columns);

// What says nothing of live rows goes with the columns: other indexes, statistics, foreign keys of who deleted a row.
void plan_dependent_drops(TableWork &work, const std::vector<std::string> &columns);

// 2BP01, with the names of the objects, where others depend on the columns: what is unique or checked with them, triggers, policies,
// publications, generated columns, views, functions and rules. The three views and the indexes above are no obstacle.
void check_dependents(const TableWork &work, const std::vector<std::string> &columns);

} // namespace softdelete::registration
