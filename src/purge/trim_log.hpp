// The retention of the deletion log itself.
#pragma once

#include "pg/spi.hpp"

#include <cstdint>

namespace softdelete::purge {

// Removes up to that many entries older than softdelete.log_retention that no row refers to any more, of deletions that
// began in tables of the current role, beginning after the id. Returns the last id looked at; 0 where there was none.
// Locks: the entries.
std::int64_t trim_log(pg::Spi &spi, std::int64_t after, std::size_t limit);

} // namespace softdelete::purge
