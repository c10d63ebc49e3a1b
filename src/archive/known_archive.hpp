// What the trigger of a table with an archive asks with each statement: kept by session. Plain server code, called by
// archive/collect_deleted.
#pragma once

#include "registry/archive_scan.hpp"

namespace softdelete::archive {

struct KnownArchive {
    Oid table; // that was registered: the relation asked for, or what it is a partition of
    bool is_found;
    registry::ArchiveRow row; // where it was found
};

// The archive of a table or of a partition of it, as the registry says now.
KnownArchive find_known_archive(Oid relation);

} // namespace softdelete::archive
