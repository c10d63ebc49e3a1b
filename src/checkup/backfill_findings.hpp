// Deleted rows that a backfill of a new column did not see.
#pragma once

#include "catalog/table_catalog.hpp"
#include "checkup/finding.hpp"
#include "registry/registry.hpp"

namespace softdelete::checkup {

// Counts the rows of a registered table, as its owner.
void add_backfill_findings(Findings &findings, pg::Spi &spi, const catalog::Table &table,
                           const registry::Registration &registration);

} // namespace softdelete::checkup
