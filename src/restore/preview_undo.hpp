// What undo() would bring back, and what refuses it.
#pragma once

#include "restore/find_deletions.hpp"

namespace softdelete::restore {

struct UndoLine {
    std::optional<std::string> deletion; // none where the row that is in the way is hidden
    std::optional<std::string> deleted_at;
    std::optional<std::string> deleted_by;
    std::optional<Oid> relation;
    std::string action; // 'restore' or 'refuse'
    std::optional<std::string> rows;
    std::optional<std::string> key; // jsonb text
    std::optional<std::string> detail;
};

// First what comes back, in the order of undo(), per deletion and table that the caller may read; then what is in the way of
// it. Changes nothing. Errors: P0002 no such deletion; 42501 where the caller may neither read the deletion's tables
// nor restore their rows.
std::vector<UndoLine> preview_undo(std::int64_t deletion);
std::vector<UndoLine> preview_undo(const DeletionTraits &traits);

} // namespace softdelete::restore
