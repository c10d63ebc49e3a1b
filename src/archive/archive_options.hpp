// Arguments of register() and configure() that say something of marked rows, of which a table with an archive has none: what
// is so anyway is accepted. Called by archive/register_archive and archive/configure_archive.
#pragma once

#include "pg/server.hpp"

#include <string>

namespace softdelete::archive {

// view: that of the table's archived rows. Raises 22023 for what cannot be.
void check_visibility(const std::string &visibility, const std::string &view, Oid relation);
void check_indexes(const std::string &indexes, Oid relation);

} // namespace softdelete::archive
