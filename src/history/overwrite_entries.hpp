// erase() and anonymize() in histories: entries of the subject's rows are removed, or overwritten by the table's rules.
#pragma once

#include "catalog/foreign_keys.hpp"
#include "history/row_lives.hpp"
#include "registry/anonymizers.hpp"

#include <map>
#include <set>
#include <vector>

namespace softdelete::history {

// A column that a foreign key references, and what rows have there, as text.
struct ReferencedColumn {
    std::string name; // quoted
    std::string type;
    bool is_array;
    std::vector<std::string> values;
};

// A foreign key by which rows with a history may have referenced rows that have none.
struct SubjectLink {
    catalog::ForeignKey key;
    std::vector<ReferencedColumn> values;
};

// The keys of a subject's rows of one table, and by what other rows found them: read before the rows are removed.
struct SubjectKeys {
    catalog::TableInfo table;
    std::vector<KeyTexts> named; // whoever had them at any time
    std::vector<KeyTexts> keys;
    std::vector<SubjectLink> links;
};

SubjectKeys read_subject(pg::Spi &spi, const catalog::TableInfo &table, const rows::RowSet &rows);

// The keys that entries of rows under a key have, as they are stored there: the latest first, those of one value more than
// once. Empty where the table has no history. Errors as those of find_lives().
std::vector<KeyTexts> find_recorded_keys(pg::Spi &spi, const catalog::TableInfo &table,
                                         const catalog::KeyLookup &lookup);

// What rows of the table had in the columns that the key references, by these entries of its history. Empty where the history
// has no such columns.
std::vector<ReferencedColumn> read_recorded_values(pg::Spi &spi, const catalog::TableInfo &table,
                                                   const catalog::ForeignKey &key,
                                                   const rows::RowSet &entries);

// The rows that reference such values, as the key compares. place: the history or the archive of the key's child table.
// further: what the query ends in, such as a locking clause for "c".
rows::RowSet find_references(pg::Spi &spi, const catalog::TableInfo &place, const catalog::ForeignKey &key,
                             const std::vector<ReferencedColumn> &columns, const char *further = "");

// Removes the entries of the subject's rows, and of rows that referenced them by ON DELETE CASCADE keys, be these rows gone
// by now. Returns how many of which history, by its name, and adds the histories and their partitions to touched.
// Errors: 42501 where a history belongs to another role.
std::map<std::string, std::uint64_t> erase_entries(pg::Spi &spi, const std::map<Oid, SubjectKeys> &subjects,
                                                   std::set<Oid> *touched);

// Overwrites entries of rows that have been overwritten themselves: each column with a rule, who and why. Where
// the rules give the rows other keys, the entries are removed instead. Returns how many were reached.
std::uint64_t overwrite_entries(pg::Spi &spi, const catalog::TableInfo &table,
                                const std::vector<registry::Anonymizer> &rules, const rows::RowSet &entries);

// The partitions of the table's history; none where it has none.
std::set<Oid> find_partitions(pg::Spi &spi, Oid relation);

} // namespace softdelete::history
