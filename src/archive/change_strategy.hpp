// configure() with another strategy: the deleted rows of a table move to an archive, or come out of it as rows that are marked.
#pragma once

#include "model/step.hpp"
#include "registration/configure_table.hpp"

#include <string>
#include <vector>

namespace softdelete::archive {

// 22023.
[[noreturn]] void raise_unknown_strategy(const std::string &strategy);

// Returns what was done; nothing where the table has the strategy already. All in the transaction of the caller. Each deletion
// keeps its id, its time and its rows; the views keep what was granted on them.
// Locks the table ACCESS EXCLUSIVE. Errors: 42501; 22023 for another value, and for other arguments beside it; 0A000 and 55000 where
// the table cannot have the strategy, or its deleted rows cannot be kept by it; those of register().
std::vector<model::Step> change_strategy(const registration::ConfigureRequest &request);

} // namespace softdelete::archive
