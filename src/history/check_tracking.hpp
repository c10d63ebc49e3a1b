// Who may give which table a history, and what it may leave out.
#pragma once

#include "catalog/table_info.hpp"

#include <optional>
#include <string>
#include <vector>

namespace softdelete::history {

// Locks the table with its partitions against writing and reads it. Errors: 42809 for what is no table of rows of its own,
// 42501 where the caller is not the owner.
catalog::TableInfo lock_trackable(pg::Spi &spi, Oid relation);

// 22023 for a retention that is not positive, or longer than register() takes.
void check_retention(pg::Spi &spi, const std::optional<std::string> &retention);

// 42703 for a column that is not there, 42P10 for one of the primary key.
void check_left_out(pg::Spi &spi, const catalog::TableInfo &table, const std::vector<std::string> &left_out);

// The table's history; InvalidOid where it has none. get_history raises 55000 then.
Oid find_history(pg::Spi &spi, Oid relation);
Oid get_history(pg::Spi &spi, const catalog::TableInfo &table);

// Inheritance children have rows and triggers of their own.
void warn_of_children(const catalog::TableInfo &table);

} // namespace softdelete::history
