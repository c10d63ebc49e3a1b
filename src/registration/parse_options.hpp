// The options of register() and configure(), checked.
#pragma once

#include "model/table_settings.hpp"
#include "pg/spi.hpp"

namespace softdelete::registration {

// Raises 22023 for an unknown strategy. That of archives is none of registration's.
void check_strategy(const std::string &strategy);

// Raise 22023 for a value that there is not.
model::Visibility get_visibility(const std::string &text);
model::IndexMode get_index_mode(const std::string &text);
model::OnExpiry get_on_expiry(const std::string &text);

// Raises 22023 where the retention is negative or infinite.
void check_retention(pg::Spi &spi, const std::optional<std::string> &retention);

// Raises 42704 where a role does not exist.
void check_roles(pg::Spi &spi, const std::vector<std::string> &roles);

} // namespace softdelete::registration
