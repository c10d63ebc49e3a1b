// An index together with the indexes of partitions that are attached to it.
#pragma once

#include "model/index_facts.hpp"
#include "sqltext/index_statements.hpp"

#include <functional>
#include <vector>

namespace softdelete::registration {

// The indexes that are attached to the given one, directly.
std::vector<const model::IndexFacts *> get_attached(const std::vector<model::IndexFacts> &indexes,
                                                    const model::IndexFacts &parent);

// The index and all that hang on it, parents first.
std::vector<const model::IndexFacts *> get_tree(const std::vector<model::IndexFacts> &indexes,
                                                const model::IndexFacts &root);

} // namespace softdelete::registration
