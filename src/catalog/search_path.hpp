// The search_path that a role's own session would have.
#pragma once

#include "pg/spi.hpp"

namespace softdelete::catalog {

// As ALTER ROLE and ALTER DATABASE say it for this database, or else as this session began with. For the worker, which logs in
// as nobody.
std::string get_search_path(pg::Spi &spi, Oid role);

} // namespace softdelete::catalog
