// The statement by which rows come back from archives. Called by restore/archived_rows and
// restore/archived_tree, which say which rows.
#pragma once

#include "catalog/foreign_keys.hpp"
#include "deletion/restored_deletions.hpp"
#include "restore/restore_errors.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace softdelete::restore {

// Rows of one archive, under the alias "a".
struct ArchivePart {
    const catalog::TableInfo *table;
    std::string archive; // its name, or that of the partition that has all of them
    std::string condition;
};

// Moves these rows to the tables; how many. Several tables, which one role owns, by one statement: foreign keys are checked
// when all their rows are there. Users' code that it causes runs as the role. deletion: whose they are, for
// histories and hints; 0 for none. is_circle_cut: for hints.
// Errors: 23502, 23503, 23505, 23514, 23P01 as for an INSERT, and 42501 where a trigger or rule of a table kept rows back.
deletion::RestoredRows move_back(pg::Spi &spi, const std::vector<ArchivePart> &parts, RestoreAs role,
                                 std::int64_t deletion, bool is_circle_cut,
                                 const std::vector<pg::Parameter> &parameters);

} // namespace softdelete::restore
