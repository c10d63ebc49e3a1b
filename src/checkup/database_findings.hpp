// What is wrong with the database as a whole.
#pragma once

#include "checkup/finding.hpp"
#include "pg/spi.hpp"

namespace softdelete::checkup {

// The library, event triggers, settings with which sessions begin, the extension's own tables, tables with a soft delete by
// hand. caller: whose tables of the last kind are named, unless watches_all.
Findings find_in_database(pg::Spi &spi, Oid caller, bool watches_all);

} // namespace softdelete::checkup
