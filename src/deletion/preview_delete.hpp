// What a DELETE of one row would take along, or what refuses it, without doing it.
#pragma once

#include "pg/server.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace softdelete::deletion {

struct PreviewLine {
    int depth; // foreign keys between the row and these
    Oid relation;
    // 'delete', 'cascade', 'removed' (by a native cascade, for good), 'refuse', 'keep link', 'lose link' or 'stays until purge'
    std::string action;
    std::uint64_t rows;
};

// The same key by key: rows that one key leads to from one level.
struct PreviewStep {
    int depth; // of these rows
    Oid parent;
    Oid relation;
    std::string key; // its name and what it does; empty for the row itself
    std::string action;
    std::uint64_t rows;
};

std::vector<PreviewStep> preview_steps(Oid relation, const std::vector<std::string> &key);

// Follows the foreign keys as the cascade does. Privileges: DELETE on the table, as the DELETE itself needs it.
// Takes no row locks. Errors: P0002 no such row; 42501.
std::vector<PreviewLine> preview_delete(Oid relation, const std::vector<std::string> &key);

} // namespace softdelete::deletion
