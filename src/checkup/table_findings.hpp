// What it takes a closer look at one table to find.
#pragma once

#include "checkup/finding.hpp"
#include "pg/spi.hpp"

#include <set>

namespace softdelete::checkup {

// Where repair() would do something, what register() would warn of today, and rows that are overdue; the same of an archive
// and a history. counts_rows: also what only the rows tell. attended: registered tables and histories at whose due rows a
// purge looked lately, so that its log tells. False, and nothing found, where the table does not exist any more: it is
// locked ACCESS SHARE, and stays so.
bool find_in_table(Findings &findings, pg::Spi &spi, Oid relation, bool counts_rows,
                   const std::set<Oid> &attended);

} // namespace softdelete::checkup
