// Definitions of constraints as ALTER TABLE ... ADD CONSTRAINT takes them, made from what the catalogs say of their
// indexes.
#pragma once

#include "model/index_facts.hpp"
#include "sqltext/fragments.hpp"

#include <optional>
#include <string>
#include <vector>

namespace softdelete::registration {

// An exclusion constraint like this one with another predicate.
sqltext::Expression make_exclusion(const model::IndexFacts &index,
                                   const std::optional<std::string> &predicate);

// The exclusion constraint that stands for a deferrable UNIQUE constraint. operators: one for each key column.
sqltext::Expression make_live_deferrable(const model::IndexFacts &index,
                                         const std::vector<std::string> &operators,
                                         const std::string &live_condition);

// UNIQUE with the index's columns and options.
sqltext::Expression make_unique(const model::IndexFacts &index, bool is_deferrable,
                                bool is_initially_deferred);

} // namespace softdelete::registration
