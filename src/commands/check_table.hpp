// Who may register what.
#pragma once

#include "catalog/table_catalog.hpp"

#include <string>

namespace softdelete::commands {

// Raises 42501 where the caller is not the owner. Works before any lock.
void check_owner(const catalog::Table &table);

// Raises 42809 for what is not a table, for temporary and foreign tables, catalogs, our own tables, partitions alone and
// inheritance children of unregistered parents.
void check_kind(pg::Spi &spi, const catalog::Table &table);

// Raises 42710 where the table is registered.
void check_not_registered(pg::Spi &spi, const catalog::Table &table);

// Raises 55000 where neither the server nor new sessions of this database load the library.
void check_library_is_loaded(pg::Spi &spi);

} // namespace softdelete::commands
