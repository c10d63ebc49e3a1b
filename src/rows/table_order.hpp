// In which order the foreign keys between tables let rows come to all of them, one table after the other.
#pragma once

#include "catalog/foreign_keys.hpp"

#include <map>
#include <vector>

namespace softdelete::rows {

// Tables whose rows come or go together.
struct TableGroup {
    std::vector<Oid> tables;
    bool is_circle_cut = false; // a part of a circle of keys over tables of several owners
};

// Tables by the keys that they have: referenced ones before those that reference them. Tables whose keys go round in a circle
// are together where one role owns them; else one after the other, by the keys that are not INITIALLY DEFERRED.
std::vector<TableGroup> order_tables(const std::map<Oid, std::vector<catalog::ForeignKey>> &keys);

} // namespace softdelete::rows
