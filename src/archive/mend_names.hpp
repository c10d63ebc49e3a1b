// Columns that were renamed while event triggers were off, in the table or in its archive.
#pragma once

#include "archive/rebuilt_views.hpp"

namespace softdelete::archive {

// Gives the columns of the archive the names that those of the table have now, and those that tell of the deletion their own. Which is
// which the views say, which follow both. Takes the views down where there is something to do.
void mend_names(pg::Spi &spi, const catalog::Table &table, const ArchiveSettings &settings,
                RebuiltViews &views);

// The names that mend_names() would give. Changes nothing.
std::vector<std::string> find_misnamed(pg::Spi &spi, const catalog::Table &table,
                                       const ArchiveSettings &settings);

// mend_names() for the table of a command that is to come, as far as its owner calls.
void mend_names_before(Oid relation);

// Frees the name of a column of the archive which is not the table's column of that name: it stays, under another one.
void put_aside(pg::Spi &spi, const catalog::Table &table, const ArchiveSettings &settings,
               const std::string &column);

} // namespace softdelete::archive
