// erase() and anonymize() in histories: entries of the subject's rows are removed, or overwritten by the table's rules.
#pragma once

#include "history/overwritten_columns.hpp"
#include "history/recorded_references.hpp"
#include "registry/anonymizers.hpp"

#include <map>
#include <set>
#include <vector>

namespace softdelete::history {

// The keys that entries of rows under a key have, as they are stored there: the latest first, those of one value more than
// once. Empty where the table has no history. Errors as those of find_lives().
std::vector<KeyTexts> find_recorded_keys(pg::Spi &spi, const catalog::TableInfo &table,
                                         const catalog::KeyLookup &lookup);

// Removes these entries, by the table, and those of the subject's rows, which may be gone by now. Returns how many of which
// history, by its name, and adds the histories' partitions to touched, and to deletions those that the entries name.
// Errors: 42501 where a history belongs to another role.
std::map<std::string, std::uint64_t> erase_entries(pg::Spi &spi, const std::map<Oid, SubjectKeys> &subjects,
                                                   std::map<Oid, rows::RowSet> entries,
                                                   std::set<Oid> *touched, std::set<std::string> *deletions);

// Overwrites entries of rows that have been overwritten themselves: each column with a rule, who and why. Where
// the rules give the rows other keys, the entries are removed instead. Those that moved since they were found are followed, those
// that are gone left out. Returns how many were reached, and adds to deletions
// those that the entries name.
std::uint64_t overwrite_entries(pg::Spi &spi, const catalog::TableInfo &table,
                                const std::vector<registry::Anonymizer> &rules, const rows::RowSet &entries,
                                std::set<std::string> *deletions = nullptr);

struct OverwriteResult {
    std::uint64_t removed = 0;
    bool leaves_some = false; // as they were
};

// Of an entry whose place under its new key is another row's, or whose key is generated from what it gets.
enum class IfTaken { remove, leave };

// Gives entries these values, which read no column, in columns that the table and its history have. Who and why stay: the entries
// are of changes of this table's rows. In columns of the table's key, too: what names the entries' keys names the new ones.
OverwriteResult overwrite_columns(pg::Spi &spi, const catalog::TableInfo &table,
                                  const std::vector<OverwrittenColumn> &columns, const rows::RowSet &entries,
                                  IfTaken if_taken);

// The partitions of the table's history; none where it has none.
std::set<Oid> find_partitions(pg::Spi &spi, Oid relation);

} // namespace softdelete::history
