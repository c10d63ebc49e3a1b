// The tables whose row security we enabled or extended, with what their owners wish: softdelete_internal.secured_table, read and
// written as the extension's owner.
#pragma once

#include "pg/spi.hpp"

#include <optional>
#include <vector>

namespace softdelete::registry {

// Whether the owner wishes row security to be enabled; nothing where the table carries no policies of ours.
std::optional<bool> find_secured_table(pg::Spi &spi, Oid relation);
void put_secured_table(pg::Spi &spi, Oid relation, bool is_enabled);
void delete_secured_table(pg::Spi &spi, Oid relation);

// All of them that exist.
std::vector<Oid> find_secured_tables(pg::Spi &spi);

} // namespace softdelete::registry
