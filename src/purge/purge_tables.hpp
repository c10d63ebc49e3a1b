// Which tables a purge is about, in which order, and what there is to know of them.
#pragma once

#include "model/purge_order.hpp"
#include "purge/purge_cycle.hpp"

#include <optional>
#include <vector>

namespace softdelete::purge {

struct PurgePlan {
    std::vector<PurgeTable> tables;
    std::vector<model::PurgeGroup> groups; // by number of the table, referencing ones first
};

// With a relation: that table and the registered ones below it along CASCADE keys. Without: all that the current role
// owns. Only tables with a retention. Errors: 42501 not the owner; 55000 not registered; 42809 not a table.
// The physical tables are found at a table's turn; of all tables, one that cannot be read now is planned without what it references.
PurgePlan plan_purge(pg::Spi &spi, std::optional<Oid> relation);

// What references the rows of the table and of its inheritance children, and keeps them.
std::vector<Blocker> find_all_blockers(pg::Spi &spi, const catalog::TableInfo &table);

// At a table's turn: locks it, with the tables that are linked to it and its parts, and reads it as it is then. False where it is
// gone, not the caller's, or not registered any more; it has no parts then.
bool read_again(pg::Spi &spi, PurgeTable *table);

// A registered table by itself, with its parts.
PurgeTable get_purge_table(pg::Spi &spi, Oid relation);

// What the planner's statistics know of values that were overwritten in the table and its history.
void reset_statistics(pg::Spi &spi, const PurgeTable &table);

} // namespace softdelete::purge
