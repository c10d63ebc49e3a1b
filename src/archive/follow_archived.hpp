// Keeps tables with an archive in step through DDL. Called by the event triggers.
#pragma once

#include "pg/spi.hpp"

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace softdelete::archive {

// Any in this database?
bool has_archives();

// The names of the table's archive and its partitions; none where it has none.
std::vector<std::string> find_archive_tables(pg::Spi &spi, Oid table);

// Partitions of the table that came get the triggers that the server has not cloned.
void complete_triggers(pg::Spi &spi, Oid relation);

// A partition has been detached: our triggers go. Does nothing where it is part of a table with an archive, or registered.
void release_member(Oid relation);

// Tables were dropped: their archives stay as plain tables. True where one of the tables had an archive. Raises 2BP01 where
// an archive was dropped and its table not, or a view or a column of them went by CASCADE. Policies that went go from archives as well.
bool follow_dropped();

// What a command has done to the columns of a table with an archive.
struct ColumnChanges {
    std::vector<std::string> dropped; // names
    std::set<std::string> added;
    std::set<std::string> made; // of these, those that were not there before, for sure
    std::optional<std::pair<std::string, std::string>> renamed;
};

// The archive gets the columns, the key and the row security that the table has by now. Columns whose types the command has
// changed have theirs already. Errors: 42701 where a column has a name that the archive has itself.
void follow_columns(pg::Spi &spi, Oid relation, const ColumnChanges &changes);

// The archive has the policies of the table that its admin_roles need.
void follow_policy(Oid relation);

// The views are there and have the columns of the table, in an order that leaves those that they had where they are.
void bring_views_in_step(Oid relation);

} // namespace softdelete::archive
