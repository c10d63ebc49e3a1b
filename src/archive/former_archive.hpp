// A table that has the name of an archive when its table is registered: an archive that DROP EXTENSION, unregister(.., 'keep') or
// a restore without the extension's tables has left behind, or one that was made by hand.
#pragma once

#include "archive/archive_definition.hpp"

#include <optional>
#include <vector>

namespace softdelete::archive {

struct FormerArchive {
    Oid relation;
    sqltext::QualifiedName name;
    bool is_partitioned; // it goes on; a plain table becomes its first partition
    bool has_deleted_by;
    bool has_deletion_id;
};

// Puts the names of its own columns into the settings: those that were asked for, or archived_at and archived_by where it has
// these. Errors: 42P07 where it cannot go on as the archive: it is no table, or one of somebody else's, or has columns,
// constraints, triggers, rules or dependents that do not go with that.
std::optional<FormerArchive> find_former_archive(pg::Spi &spi, const catalog::Table &table,
                                                 ArchiveSettings *settings,
                                                 const std::vector<ArchiveColumn> &columns);

} // namespace softdelete::archive
