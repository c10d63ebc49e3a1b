// What it takes a closer look at one table to find.
#pragma once

#include "checkup/finding.hpp"
#include "pg/spi.hpp"

namespace softdelete::checkup {

// Where repair() would do something, what register() would warn of today, and rows that are overdue. counts_rows: also what
// only the rows tell. is_attended: a purge looked at its due rows lately, so that its log tells. An error becomes a finding.
Findings find_in_table(pg::Spi &spi, Oid relation, bool counts_rows, bool is_attended);

} // namespace softdelete::checkup
