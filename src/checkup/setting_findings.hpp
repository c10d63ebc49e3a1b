// Sessions that begin with settings by which soft delete does not do what it says.
#pragma once

#include "checkup/finding.hpp"
#include "pg/spi.hpp"

namespace softdelete::checkup {

// As the extension's owner.
void add_setting_findings(Findings &findings, pg::Spi &spi);

} // namespace softdelete::checkup
