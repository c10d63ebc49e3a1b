// Tables that reference another one, as what can be registered together with it.
#pragma once

#include "pg/spi.hpp"

#include <vector>

namespace softdelete::catalog {

// The roots of the tables that reference the table with ON DELETE CASCADE, without itself. One with several roots, which cannot be
// registered, stands for itself.
std::vector<Oid> find_cascade_children(pg::Spi &spi, Oid relation);

// The same, whatever ON DELETE says.
std::vector<Oid> find_referencing_tables(pg::Spi &spi, Oid relation);

// What the table is a partition or an inheritance child of, at the top; itself where it is none.
std::vector<Oid> find_roots(pg::Spi &spi, Oid relation);

// Does it, or a table below it, inherit from one that is not below it? Such a table cannot be registered.
bool shares_inheritance(pg::Spi &spi, Oid relation);

} // namespace softdelete::catalog
