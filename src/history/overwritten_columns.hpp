// What the columns of a history get when entries are anonymized.
#pragma once

#include "catalog/table_info.hpp"
#include "registry/anonymizers.hpp"

#include <string>
#include <vector>

namespace softdelete::history {

struct OverwrittenColumn {
    std::string history_column; // quoted
    std::string expression;     // over the columns of the table
};

// By the rules. Columns of the past become NULL, whatever they were called: no rule speaks of them any more; and who deleted
// the row, where no rule says otherwise. A history may lack columns: it may be older than they are, or leave them out.
std::vector<OverwrittenColumn> find_overwritten_columns(pg::Spi &spi, const catalog::TableInfo &table,
                                                        const std::vector<registry::Anonymizer> &rules);

// Columns that are generated from these, which are quoted: the server computes them in the table, and nobody does in its history.
std::vector<OverwrittenColumn> find_made_columns(pg::Spi &spi, const catalog::TableInfo &table,
                                                 const std::vector<std::string> &names);

} // namespace softdelete::history
