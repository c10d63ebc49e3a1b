// The names that the registry keeps of columns, views, indexes and constraints, and how they follow a rename. Acts as the
// extension's owner.
#pragma once

#include "pg/spi.hpp"

#include <optional>
#include <string>

namespace softdelete::registry {

// The registered table that the relation is, or that it is a partition or an inheritance child of, at any depth.
std::optional<Oid> find_registered_root(pg::Spi &spi, Oid relation);

// The registered table one of whose three views has this name and this schema.
std::optional<Oid> find_table_of_view(pg::Spi &spi, Oid view);

// Only in the registry. table is the registered one, relation the member that has the index.
void rename_view(pg::Spi &spi, Oid table, const std::string &name, const std::string &new_name);
void rename_index(pg::Spi &spi, Oid table, Oid relation, const std::string &name,
                  const std::string &new_name);

// The same for a column that is softdelete's in the registered table; nothing for any other column.
void rename_column(pg::Spi &spi, Oid table, const std::string &name, const std::string &new_name);

// True where a UNIQUE constraint of this name became a partial unique index, which is no constraint.
bool is_constraint_turned_index(pg::Spi &spi, Oid relation, const std::string &name);

// The comment that such a constraint gets back.
void set_constraint_comment(pg::Spi &spi, Oid relation, const std::string &name,
                            const std::optional<std::string> &comment);

// Of the column deleted_at, for when the table's registration ends.
void set_comment_before(pg::Spi &spi, Oid table, const std::optional<std::string> &comment);

} // namespace softdelete::registry
