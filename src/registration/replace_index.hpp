// What replacing an index takes in either direction: taking the old one away and carrying over what its definition does
// not say.
#pragma once

#include "registration/table_work.hpp"

#include <optional>
#include <string>
#include <vector>

namespace softdelete::registration {

// In each, object is what the steps say that they are about: one replacement is one object.

// Drops the index, or the constraint that it serves, with those attached to it.
void drop_old(TableWork &work, const model::IndexFacts &index, const std::string &object);

// Statistics targets and the comment, on the new index of the same name.
void keep_properties(TableWork &work, const model::IndexFacts &index, const std::string &object);

// The comment on the constraint of the index's name.
void keep_constraint_comment(TableWork &work, const model::IndexFacts &index, const std::string &object,
                             const std::optional<std::string> &comment);

// Attaches the new indexes to each other as the old ones of the same names were. kind: "index " or "constraint ", as in
// their objects.
void attach_again(TableWork &work, const std::vector<const model::IndexFacts *> &tree, const char *kind);

} // namespace softdelete::registration
