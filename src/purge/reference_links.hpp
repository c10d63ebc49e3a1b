// What keeps rows through a blocker, found one table at a time, each read as its owner: for blockers that lead through
// tables of several owners, which no statement of ours joins (catalog::has_one_owner()).
#pragma once

#include "purge/due_rows.hpp"
#include "purge/purge_blockers.hpp"
#include "rows/follow_links.hpp"

namespace softdelete::purge {

// Does one role own the tables of all blockers, and is it this one?
bool have_one_owner(const std::vector<Blocker> &blockers, Oid owner);

// From the rows of blocker.child() that meet the condition to those of these rows that they keep. condition is about "c"; it
// begins with " AND " or is empty.
std::vector<rows::RowLink> find_reference_links(pg::Spi &spi, const Blocker &blocker,
                                                const rows::RowSet &rows, const std::string &condition = "");

// The rows that are kept, and those that keep them.
rows::RowSet get_parents(const std::vector<rows::RowLink> &links);
rows::RowSet get_children(const std::vector<rows::RowLink> &links);

} // namespace softdelete::purge
