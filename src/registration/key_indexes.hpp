// Indexes that the columns of foreign keys need for all rows: purges of the referenced table look deleted rows up too.
#pragma once

#include "registration/table_work.hpp"
#include "sqltext/fragments.hpp"

#include <set>

namespace softdelete::registration {

// Is there a valid index of all rows that begins with the key's columns, and is none of those that are to go?
bool is_served(const TableWork &work, const catalog::Member &member, const catalog::OwnForeignKey &key,
               const std::set<unsigned int> &going);

// Is there one of live rows at least, once those that are to become partial have?
bool is_served_for_live(const TableWork &work, const catalog::Member &member,
                        const catalog::OwnForeignKey &key);

// Does a soft delete of a row that the key references look for rows that reference it? By CASCADE it does where those are
// soft-deleted with it; by SET NULL and SET DEFAULT it leaves them alone.
bool is_read_by_soft_delete(const catalog::OwnForeignKey &key, bool is_registered);

// The statement that makes one.
sqltext::Statement make_key_index(TableWork &work, const catalog::Member &member,
                                  const catalog::OwnForeignKey &key, bool concurrently);

} // namespace softdelete::registration
