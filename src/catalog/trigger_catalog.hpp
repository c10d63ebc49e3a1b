// Triggers of ours, read from the system catalogs.
#pragma once

#include "pg/spi.hpp"

#include <optional>
#include <string>
#include <vector>

namespace softdelete::catalog {

struct OwnTrigger {
    std::string definition; // as pg_get_triggerdef() says it
    bool is_enabled_always;
    bool is_tied_to_extension;
};

// The trigger of that name on the table, where it calls a function of the extension.
std::optional<OwnTrigger> find_own_trigger(pg::Spi &spi, Oid relation, const std::string &name);

// Has the table, or one of its partitions, a trigger of a user's, enabled or not, that fires BEFORE one of the events for
// each row? events: bits of pg_trigger.tgtype.
bool has_before_row_trigger(pg::Spi &spi, Oid relation, int events);

// Has the table a trigger of that name that calls a function of somebody else's?
bool has_foreign_trigger(pg::Spi &spi, Oid relation, const std::string &name);

// The table's triggers that call a function of the extension and have not the name that it gives them.
std::vector<std::string> find_renamed_triggers(pg::Spi &spi, Oid relation);

} // namespace softdelete::catalog
