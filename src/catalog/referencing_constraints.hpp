// Which foreign keys reference a table. The server has no index for that.
#pragma once

#include "pg/spi.hpp"

#include <vector>

namespace softdelete::catalog {

// The foreign keys that reference one of the tables, their partitions or their children, with the copies of keys that
// partitions have: an array of OIDs of pg_constraint, for a query that says which of them it means. It finds them by
// k.oid = ANY ($n) without reading the whole catalog.
pg::Parameter find_referencing_constraints(pg::Spi &spi, const std::vector<Oid> &tables);

} // namespace softdelete::catalog
