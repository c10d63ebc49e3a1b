// erase() and anonymize() in histories: entries of the subject's rows are removed, or overwritten by the table's rules.
#pragma once

#include "history/row_lives.hpp"
#include "registry/anonymizers.hpp"

#include <map>
#include <set>
#include <vector>

namespace softdelete::history {

// The keys of a subject's rows, by table, read before the rows are removed.
struct SubjectKeys {
    catalog::TableInfo table;
    std::vector<KeyTexts> keys;
};

// Removes the entries of the subject's rows, and of rows that referenced them by ON DELETE CASCADE keys, be these rows gone
// by now. Returns how many of which history, by its name, and adds the histories and their partitions to touched.
// Errors: 42501 where a history belongs to another role.
std::map<std::string, std::uint64_t> erase_entries(pg::Spi &spi, const std::map<Oid, SubjectKeys> &subjects,
                                                   std::set<Oid> *touched);

// Overwrites the entries of these rows, which have been overwritten themselves: each column with a rule, who and why. Where
// the rules give the rows other keys, their entries are removed instead. rows: as they are now. Does nothing where the table
// has no history. Returns how many entries were reached.
std::uint64_t overwrite_entries(pg::Spi &spi, const catalog::TableInfo &table,
                                const std::vector<registry::Anonymizer> &rules, const rows::RowSet &rows);

// The partitions of the table's history; none where it has none.
std::set<Oid> find_partitions(pg::Spi &spi, Oid relation);

} // namespace softdelete::history
