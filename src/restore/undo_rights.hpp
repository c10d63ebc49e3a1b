// What the caller may do to the tables of a deletion that he undoes.
#pragma once

#include "deletion/deletion_tables.hpp"
#include "restore/restore_privileges.hpp"

#include <optional>
#include <string>

namespace softdelete::restore {

struct UndoRights {
    std::vector<catalog::TableInfo> tables; // with the strategy flag
    std::vector<catalog::TableInfo> archived;
    std::vector<catalog::TableInfo> distributed; // tables of Citus, whose rows come back as the caller
    CascadedTables cascaded;
    std::set<Oid> cascaded_archives; // those whose rows all come back as their owners
};

// Errors: P0002 no such deletion; 42501 where the caller may not undo it.
UndoRights get_undo_rights(pg::Spi &spi, std::int64_t deletion, deletion::DeletionLock lock);

// The error that undo() would raise for want of a right.
std::optional<std::string> find_missing_right(pg::Spi &spi, std::int64_t deletion);

} // namespace softdelete::restore
