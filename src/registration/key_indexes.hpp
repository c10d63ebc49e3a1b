// Indexes that the columns of foreign keys need for all rows: purges of the referenced table look deleted rows up too.
#pragma once

#include "registration/table_work.hpp"
#include "sqltext/fragments.hpp"

#include <set>

namespace softdelete::registration {

// Is there a valid index of all rows that begins with the key's columns, and is none of those that are to go?
bool is_served(const TableWork &work, const catalog::Member &member, const catalog::OwnForeignKey &key,
               const std::set<unsigned int> &going);

// The statement that makes one, CONCURRENTLY where that is possible.
sqltext::Statement make_key_index(TableWork &work, const catalog::Member &member,
                                  const catalog::OwnForeignKey &key);

} // namespace softdelete::registration
