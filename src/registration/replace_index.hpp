// What replacing an index takes in either direction: taking the old one away and carrying over what its definition does
// not say.
#pragma once

#include "registration/table_work.hpp"

#include <optional>
#include <string>
#include <vector>

namespace softdelete::registration {

// Drops the index, or the constraint that it serves, with those attached to it.
void drop_old(TableWork &work, const model::IndexFacts &index);

// Statistics targets and the comment, on the new index of the same name.
void keep_properties(TableWork &work, const model::IndexFacts &index);

// The comment on the constraint of the index's name.
void keep_constraint_comment(TableWork &work, const model::IndexFacts &index,
                             const std::optional<std::string> &comment);

// Attaches the new indexes to each other as the old ones of the same names were.
void attach_again(TableWork &work, const std::vector<const model::IndexFacts *> &tree);

} // namespace softdelete::registration
