// DDL that runs without our event triggers is not followed. Who registers or repairs a table is told.
#pragma once

#include "pg/spi.hpp"

#include <optional>
#include <string>
#include <vector>

namespace softdelete::registration {

inline constexpr const char *event_trigger_remedy =
    "A superuser enables them by ALTER EVENT TRIGGER ... ENABLE ALWAYS and by event_triggers = on. Run "
    "softdelete.repair() on each registered table after DDL that ran without them.";

// Our event triggers that do not fire in every session, quoted names in order.
std::vector<std::string> find_disabled_event_triggers(pg::Spi &spi);

// Why DDL is not followed in this session or in all; nothing where it is.
std::optional<std::string> find_event_trigger_gap(pg::Spi &spi);

} // namespace softdelete::registration
