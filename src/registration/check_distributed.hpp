// What register() does not do for tables of Citus.
#pragma once

#include "catalog/table_catalog.hpp"
#include "pg/spi.hpp"
#include "registration/register_table.hpp"

#include <vector>

namespace softdelete::registration {

// Raises 0A000, or 55000 where the owner cannot log in to the nodes.
void check_distributed(pg::Spi &spi, const RegisterRequest &request,
                       const std::vector<catalog::Table> &tables);

} // namespace softdelete::registration
