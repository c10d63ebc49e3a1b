// Retentions that nobody acts on, and what the last purge left.
#pragma once

#include "checkup/finding.hpp"
#include "pg/spi.hpp"

namespace softdelete::checkup {

// Of these registered tables, whatever their strategy, and of the histories of these tables: arrays of OIDs. As the
// extension's owner.
void add_purge_findings(Findings &findings, pg::Spi &spi, const pg::Parameter &registered,
                        const pg::Parameter &tracked);

} // namespace softdelete::checkup
