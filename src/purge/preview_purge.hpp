// purge_preview(): what a run would find, in one snapshot and without locks.
#pragma once

#include "pg/server.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace softdelete::purge {

struct DueLine {
    Oid relation;
    std::optional<std::string> cutoff; // timestamptz as text; nothing where the table has no retention
    std::uint64_t due;                 // rows deleted before the cutoff
    std::uint64_t held;                // of these, rows that a hold protects
    std::uint64_t blocked;             // of these, others that are referenced by rows that stay
};

// The tables that purge() with the same argument is about. Errors: as plan_purge().
std::vector<DueLine> preview_purge(std::optional<Oid> relation);

// Has any table that the current role owns a row that is due?
bool has_due_rows();

} // namespace softdelete::purge
