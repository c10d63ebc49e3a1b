// What archives and histories hold of a subject: rows that were archived under its key, those that referenced its row, or an archived
// one, by ON DELETE CASCADE keys, under the key of today or a former one, whichever deletion took them there, and what histories tell of
// any of them. One walk down the keys finds the rows of both. Called by erase_row.cpp, and by subject_tree.cpp, which says along which
// other keys they are meant.
#pragma once

#include "rows/physical_tree.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace softdelete::erasure {

struct ArchivedCopies {
    std::map<Oid, rows::TreeTable> archives; // by the archive
    rows::RowSet linked;                     // those of them that no ON DELETE CASCADE key leads to
    std::set<std::string> deletions;         // that took them there
    // Of the rows under the key, each as it is stored there, the latest first; written by pg::ExactTextScope.
    std::vector<std::vector<std::string>> keys;
    std::set<std::string> not_reached; // what the entry of the log says: tables, never values
    std::set<std::string> held;        // the same of entries of other rows
    std::map<Oid, rows::RowSet> gone;  // by the table: entries of rows below that are not there any more
    std::map<Oid, rows::RowSet>
        entries; // by the table: of all of these rows, and of others while they were below

    bool empty() const { return archives.empty(); }
};

// Why rows that reference others by the key are not meant, as the entry of the log says it of "rows of t that ..."; empty where
// it says nothing. None where they are.
using Barrier = std::function<std::optional<std::string>(const catalog::ForeignKey &)>;

// What the entry of the log says of entries that were found and are left.
std::string tell_gone(const catalog::TableInfo &table);

std::optional<std::string> stop_unless_cascade(const catalog::ForeignKey &key);

// Locks archived rows FOR UPDATE. tree: the live row with what goes with it; empty where there is none. Of rows behind a barrier those
// that reference what a row has now are the caller's to tell.
ArchivedCopies find_archived_copies(pg::Spi &spi, const catalog::TableInfo &table,
                                    const catalog::KeyLookup &lookup, const rows::RowTree &tree,
                                    const Barrier &find_barrier = stop_unless_cascade);

// Removes the rows as the archives' owners. Returns how many of which archive, by its name, and adds the archives and their
// partitions to touched.
std::map<std::string, std::uint64_t> remove_archived_copies(pg::Spi &spi, const ArchivedCopies &copies,
                                                            std::set<Oid> *touched);

} // namespace softdelete::erasure
