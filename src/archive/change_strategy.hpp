// configure() with another strategy: the deleted rows of a table move to an archive, or come out of it as rows that are marked.
#pragma once

#include "model/step.hpp"
#include "pg/spi.hpp"
#include "registration/configure_table.hpp"

#include <optional>
#include <string>
#include <vector>

namespace softdelete::archive {

// The visibility goes with flag alone. 22023 where it does not, or for another value of either.
void check_strategy(const std::string &strategy, const std::optional<std::string> &visibility);

// Gives a table whose deleted rows are marked, or on their way to be, that visibility, where it has another. Locks it ACCESS EXCLUSIVE
// then. Returns what was done; nothing where none is given.
std::vector<model::Step> set_visibility(pg::Spi &spi, Oid relation,
                                        const std::optional<std::string> &visibility);

// Returns what was done; nothing where the table has the strategy, and the visibility, already. All in the transaction of the caller. Each deletion
// keeps its id, its time and its rows; the views keep what was granted on them.
// Locks the table ACCESS EXCLUSIVE. Errors: 42501; 22023 for another value, and for other arguments beside it than the visibility on the way back; 0A000 and 55000 where
// the table cannot have the strategy, or its deleted rows cannot be kept by it; those of register().
std::vector<model::Step> change_strategy(const registration::ConfigureRequest &request);

} // namespace softdelete::archive
