// Rows that come under a foreign key without being written: in a partition that is attached, or by a key that is added.
#pragma once

#include "ddl/parse_tree.hpp"

#include "catalog/foreign_keys.hpp"

extern "C" {
#include "nodes/nodes.h"
}

#include <string>

namespace softdelete::ddl {

// Raises 23503, in PostgreSQL's words, where a live row of this partition of the key's table references a deleted row.
void check_links(pg::Spi &spi, const catalog::ForeignKey &key, Oid partition);

// After ALTER TABLE: live rows that reference deleted ones by a column which the command itself has added and filled are an
// error, as for an INSERT. Where it adds or validates a key over what is there, rewrites the key's columns, or attaches a
// partition with rows, it warns: validation sees all rows, and migrations run. Returns quickly for any other statement.
void check_new_links(const DdlCommand &command);

} // namespace softdelete::ddl
