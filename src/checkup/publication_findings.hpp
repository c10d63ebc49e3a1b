// Publications that do not tell subscribers which rows are deleted.
#pragma once

#include "checkup/finding.hpp"
#include "pg/spi.hpp"

#include <vector>

namespace softdelete::checkup {

// Of these registered tables, as the extension's owner.
void add_publication_findings(Findings &findings, pg::Spi &spi, const std::vector<pg::Parameter> &tables);

} // namespace softdelete::checkup
