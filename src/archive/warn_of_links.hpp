// Foreign keys of which register() warns: what a DELETE does to rows of other tables that no archive gets.
#pragma once

#include "catalog/table_catalog.hpp"
#include "model/step.hpp"

#include <vector>

namespace softdelete::archive {

// together: the tables that are registered in the same call.
std::vector<model::Step> warn_of_links(pg::Spi &spi, const catalog::Table &table,
                                       const std::vector<catalog::Table> &together);

} // namespace softdelete::archive
