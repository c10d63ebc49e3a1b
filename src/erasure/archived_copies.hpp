// What archives hold of a subject: rows that were archived under its key, and those that reference its row, or an archived one,
// by ON DELETE CASCADE keys, under the key of today or a former one, whichever deletion took them there. Called by erase_row.cpp,
// and by subject_tree.cpp for those that reference it by any key.
#pragma once

#include "rows/physical_tree.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace softdelete::erasure {

struct ArchivedCopies {
    std::map<Oid, rows::TreeTable> archives; // by the archive
    std::set<std::string> deletions;         // that took them there
    // Of the rows under the key, each as it is stored there, the latest first; written by pg::ExactTextScope.
    std::vector<std::vector<std::string>> keys;
    std::vector<std::string> not_reached; // what the entry of the log says: tables, never values
    std::map<Oid, rows::RowSet> gone;     // by the table: entries of rows below that are not there any more

    bool empty() const { return archives.empty(); }
};

// By which keys archived rows belong to those that they reference.
enum class Reach { cascades, all_keys };

// Locks them FOR UPDATE. tree: the live row with what goes with it; empty where there is none.
ArchivedCopies find_archived_copies(pg::Spi &spi, const catalog::TableInfo &table,
                                    const catalog::KeyLookup &lookup, const rows::RowTree &tree,
                                    Reach reach = Reach::cascades);

// Removes them as the archives' owners. Returns how many of which archive, by its name, and adds the archives and their
// partitions to touched.
std::map<std::string, std::uint64_t> remove_archived_copies(pg::Spi &spi, const ArchivedCopies &copies,
                                                            std::set<Oid> *touched);

} // namespace softdelete::erasure
