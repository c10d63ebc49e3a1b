// Moves rows back from archives: what restore() and undo() do for tables with the strategy archive. Reads archives as the
// tables' owners, once it is known that the caller may.
#pragma once

#include "catalog/foreign_keys.hpp"
#include "catalog/table_info.hpp"
#include "deletion/restored_deletions.hpp"
#include "restore/restore_errors.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace softdelete::restore {

// Of a table between the strategies: is the row that was deleted last under the key one that has moved to the archive?
bool has_moved_row(pg::Spi &spi, const catalog::TableInfo &table, const std::vector<std::string> &key);

// The newest of the archived rows with that primary key and, along CASCADE keys, what its deletion took below it. As
// restore_row(), with these differences: needs a role that the table's row security does not bind; raises 23502 and 23514 as
// well, where the table's rules have changed; 0A000 where the tables of a cascade have several owners.
std::uint64_t restore_archived_row(pg::Spi &spi, const catalog::TableInfo &table,
                                   const std::vector<std::string> &key);

// All rows of a deletion that are in the archives of these tables, referenced ones first. cascaded: tables that are restored
// as their owners, the others as the caller.
deletion::RestoredRows undo_archived_rows(pg::Spi &spi, const std::vector<catalog::TableInfo> &tables,
                                          std::int64_t deletion, const std::set<Oid> &cascaded);

// 42501 where row security would have to decide for the caller which rows come back. cascaded: tables that are restored as
// their owners.
void check_not_restricted(const std::vector<catalog::TableInfo> &tables, const std::set<Oid> &cascaded);

// Are all rows of the deletion in the table's archive below other rows of it, by CASCADE keys? Then they come back with those,
// as their owner's cascade took them.
bool lies_below_deletion(pg::Spi &spi, const catalog::TableInfo &table, std::int64_t deletion);

// SQL: has the row under the alias "c" a value in each of the key's columns?
std::string make_linked(const std::vector<std::string> &columns);

} // namespace softdelete::restore
