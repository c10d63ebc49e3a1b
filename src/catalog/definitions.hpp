// Answers of queries on definitions, which the session keeps until a definition changes: these queries take longer than
// what a command does with a few rows.
#pragma once

#include "pg/spi.hpp"

#include <string>
#include <vector>

namespace softdelete::catalog {

// The rows of a query as pg::Spi::query_kept() takes it. What it says must depend on nothing but its parameters, on definitions as
// pg::count_definition_changes() counts them, and on softdelete_internal.registration and softdelete_internal.archive,
// whose changes triggers/own_table has counted as well: not on the role, and not on settings that are not pinned.
pg::Rows read_definitions(pg::Spi &spi, const std::string &sql, const std::vector<pg::Parameter> &parameters);

} // namespace softdelete::catalog
