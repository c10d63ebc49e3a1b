// Which strategy 'auto' means for a table.
#pragma once

#include "catalog/table_catalog.hpp"
#include "registration/register_table.hpp"

#include <string>

namespace softdelete::archive {

struct Choice {
    bool is_archive;
    std::string reason; // why; empty for a table that is no join table and has no archive
};

// An archive for a join table, whose primary key consists of several foreign keys and which no foreign key references: the
// same pair can be removed and added any number of times. Not where an archive cannot do what the request asks for, or what
// the table has already.
Choice choose_strategy(pg::Spi &spi, const registration::RegisterRequest &request,
                       const catalog::Table &table);

} // namespace softdelete::archive
