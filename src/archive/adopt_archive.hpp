// How a table goes on as the archive (archive/former_archive.hpp). Called by archive/register_archive.
#pragma once

#include "archive/archive_work.hpp"
#include "registry/registry.hpp"

#include <string>
#include <vector>

namespace softdelete::archive {

// The steps; of work.former. Reads the times in a plain table. Errors: 55000 where a row there has none.
void plan_adoption(ArchiveWork &work, const std::vector<ArchiveColumn> &columns);

// Is the view what this query would make of it?
bool is_same_view(pg::Spi &spi, Oid view, const std::string &query);

// Statements by which those who could read a plain table can read the archive.
std::vector<std::string> make_reader_grants(pg::Spi &spi, const FormerArchive &former);

// The rows of the archive, for those who look for ids of deletions in them.
registry::TableRows get_archive_rows(const ArchiveWork &work, Oid archive);

} // namespace softdelete::archive
