// Histories, archives and their parts, which commands do not take: softdelete keeps them itself.
#pragma once

#include "pg/spi.hpp"

#include <string>

namespace softdelete::catalog {

// Raises 42809 where the relation is one, and names the table whose rows it keeps.
void check_not_kept(pg::Spi &spi, Oid relation);

// What the relation is, as a sentence that names that table; empty for any other relation.
std::string describe_kept(pg::Spi &spi, Oid relation);

} // namespace softdelete::catalog
