// By what a subject's rows are found in histories once they are gone.
#pragma once

#include "history/row_lives.hpp"

#include <string>
#include <vector>

namespace softdelete::history {

// The keys of a subject's rows of one table: read before the rows are removed.
struct SubjectKeys {
    catalog::TableInfo table;
    std::vector<KeyTexts> named; // whoever had them at any time
    std::vector<KeyTexts> keys;
    std::uint32_t since =
        0; // the command that comes next: what triggers do to the rows while they are removed comes later
};

SubjectKeys read_subject(pg::Spi &spi, const catalog::TableInfo &table, const rows::RowSet &rows);

// names: quoted.
bool has_columns(pg::Spi &spi, Oid relation, const std::vector<std::string> &names);

} // namespace softdelete::history
