// What the registry says of a table's archive, read with system-table scans: no privileges, no SPI. Plain server code.
#pragma once

#include "pg/server.hpp"

namespace softdelete::registry {

struct ArchiveRow {
    Oid archive;
    NameData deleted_at;
    NameData deleted_by;
    bool has_deleted_by;
};

// False where the table has no archive.
bool find_archive_row(Oid relation, ArchiveRow *row);

// The table whose archive this relation is; InvalidOid for none.
Oid find_table_of_archive(Oid archive);

// The table with an archive that the relation is, or is a partition or a child of; InvalidOid for none. Not one between the strategies.
Oid find_archived_relation(Oid relation);

// The table that is so, a part of whose deleted rows the archive has while the others are marked (archive/change_in_batches).
Oid find_relation_between(Oid relation);

// The archive that the relation is, or is a partition of; InvalidOid for none.
Oid find_archive_of_member(Oid relation);

// Is it a table with an archive, or an archive, or a part of either?
bool concerns_archive(Oid relation);

} // namespace softdelete::registry
