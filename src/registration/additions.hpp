// What the online steps of plan() add, told by one comment that is an online step as well: so register() knows which of the
// columns and indexes that it finds are softdelete's, and unregister() takes them away. register() puts other comments in
// its place.
#pragma once

#include "registration/table_work.hpp"

namespace softdelete::registration {

// Was the column or index, by its quoted name, listed by such a comment?
bool is_addition(const TableWork &work, const std::string &quoted_name);

// Adds the step that lists what the steps so far add, behind the last of its columns. Nothing where they add nothing.
void plan_additions(TableWork &work);

} // namespace softdelete::registration
