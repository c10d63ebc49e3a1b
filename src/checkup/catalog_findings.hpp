// What the catalogs, the statistics and the extension's tables tell of all tables at once.
#pragma once

#include "checkup/finding.hpp"
#include "pg/spi.hpp"

#include <vector>

namespace softdelete::checkup {

// Of these registered tables, and of these with a history, which may be the same.
Findings find_in_catalogs(pg::Spi &spi, const std::vector<Oid> &registered, const std::vector<Oid> &tracked);

} // namespace softdelete::checkup
