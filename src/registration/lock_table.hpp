// Who may register what.
#pragma once

#include "catalog/table_catalog.hpp"
#include "pg/relations.hpp"
#include "registry/registry.hpp"

#include <string>

namespace softdelete::registration {

// Locks the table with its partitions and children and reads it. Only a table that the caller owns is locked. Raises
// 42501 where the caller is not the owner, and 42809 for what is not a table, for temporary and foreign tables, catalogs, our own tables, partitions alone,
// inheritance children of unregistered parents and tables whose rules replace DELETE or UPDATE.
//
// Raises 0A000 for tables of Citus, but where the caller takes them: then of other kinds than distributed and reference tables.
enum class Distributed { refused, taken };
catalog::Table lock_table(pg::Spi &spi, Oid relation, pg::Lock lock,
                          Distributed distributed = Distributed::refused);

// The same for a table that is registered, whose registration is to be changed and is locked as well; 55000 where it is
// not, with what to do.
struct RegisteredTable {
    catalog::Table table;
    registry::Registration registration;
};

RegisteredTable lock_registered_table(pg::Spi &spi, Oid relation, pg::Lock lock,
                                      Distributed distributed = Distributed::refused);

// Raises 55000 where the table is between the strategies (archive/between): nothing but the change itself goes on then. Asked under the
// lock: somebody else may have begun while the command waited.
void check_not_between(pg::Spi &spi, Oid relation);

// Raises 42710 where the table is registered.
void check_not_registered(pg::Spi &spi, const catalog::Table &table);

// Raises 55000 where neither the server nor new sessions of this database load the library.
void check_library_is_loaded(pg::Spi &spi);

} // namespace softdelete::registration
