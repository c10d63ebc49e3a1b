// What reads deleted rows where nobody expects that.
#pragma once

#include "checkup/finding.hpp"
#include "pg/spi.hpp"

#include <vector>

namespace softdelete::checkup {

// Of these registered tables, as the extension's owner: policies, views and materialized views that read them.
void add_reader_findings(Findings &findings, pg::Spi &spi, const std::vector<pg::Parameter> &tables);

// Of the database, as the extension's owner: functions whose own settings show deleted rows. caller: whose functions are
// named, unless watches_all.
void add_function_findings(Findings &findings, pg::Spi &spi, Oid caller, bool watches_all);

} // namespace softdelete::checkup
