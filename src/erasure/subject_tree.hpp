// The rows that an anonymization is about: the subject's row, live, marked or archived, and those that reference it, by any
// foreign key and to any depth, where their tables have rules.
#pragma once

#include "registry/anonymizers.hpp"
#include "rows/physical_tree.hpp"

#include <map>
#include <set>
#include <string>

namespace softdelete::erasure {

struct SubjectTree {
    rows::RowTree overwritten; // by the rules of their tables; archives are tables of their own
    std::map<Oid, std::vector<registry::Anonymizer>> rules;
    rows::RowTree archived;           // under the subject's key, and below the tree by ON DELETE CASCADE keys
    std::map<Oid, rows::RowSet> gone; // by the table: entries of rows below that are not there any more
    std::map<Oid, std::vector<registry::Anonymizer>> gone_rules; // for those of them that have any
    std::set<std::string> not_reached; // what the entry of the log says: tables, never values
};

// Follows ON DELETE CASCADE keys everywhere. Others as far as they lead to tables with rules, which the caller owns, and
// not to other rows of the subject's own table: these are other subjects.
// Locks the rows of tables with rules FOR UPDATE. lookup: the subject's key. whole: its row with what its removal would take
// along. What was archived under its key, or below it under a former one, is found by the way.
SubjectTree find_subject_tree(pg::Spi &spi, const catalog::TableInfo &subject,
                              const catalog::KeyLookup &lookup, const rows::RowTree &whole);

} // namespace softdelete::erasure
