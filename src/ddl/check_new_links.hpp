// Rows that come under a foreign key without being written: in a partition that is attached, or by a key that is added.
#pragma once

#include "catalog/foreign_keys.hpp"

extern "C" {
#include "nodes/nodes.h"
}

#include <string>

namespace softdelete::ddl {

// Raises 23503, in PostgreSQL's words, where a live row of the relation references a deleted row by this key. relation is
// the quoted name of the key's table or of one of its partitions.
void check_links(pg::Spi &spi, const catalog::ForeignKey &key, const std::string &relation);

// After ALTER TABLE: warns where live rows under keys that it added or validated reference deleted ones. Validation sees
// all rows, and migrations run. Returns quickly for any other statement.
void warn_of_new_links(const Node *statement);

} // namespace softdelete::ddl
