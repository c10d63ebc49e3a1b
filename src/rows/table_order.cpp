// The table that references fewest others comes first, with those that it is in a circle with. Called by restore/, whose rows come back
// in this order, and by erasure/removal_order, whose rows go in the opposite one.
#include "rows/table_order.hpp"

#include <set>

namespace softdelete::rows {

using catalog::ForeignKey;

namespace {

using Keys = std::map<Oid, std::vector<ForeignKey>>;

// The tables that are still to be ordered, and that this one references, over any number of keys.
std::set<Oid> find_referenced(const Keys &keys, const std::set<Oid> &open, Oid relation) {
    std::set<Oid> found;
    std::vector<Oid> work = {relation};
    while (!work.empty()) {
        Oid table = work.back();
        work.pop_back();
        for (const ForeignKey &key : keys.at(table)) {
            if (open.contains(key.parent.relation) && found.insert(key.parent.relation).second) {
                work.push_back(key.parent.relation);
            }
        }
    }
    return found;
}

bool have_one_owner(const Keys &keys, const std::set<Oid> &tables) {
    std::set<Oid> owners;
    for (Oid table : tables) {
        for (const ForeignKey &key : keys.at(table)) {
            owners.insert(key.child.owner);
        }
    }
    return owners.size() <= 1;
}

// The tables and those of their keys that are not asked at the end of the transaction.
Keys keep_immediate(const Keys &keys, const std::set<Oid> &tables) {
    Keys kept;
    for (Oid table : tables) {
        kept[table];
        for (const ForeignKey &key : keys.at(table)) {
            if (!key.is_initially_deferred) {
                kept[table].push_back(key);
            }
        }
    }
    return kept;
}

// The table of these that references fewest others references none outside of its circle.
std::set<Oid> find_first_circle(const Keys &keys, const std::set<Oid> &open) {
    std::set<Oid> circle;
    for (Oid relation : open) {
        std::set<Oid> referenced = find_referenced(keys, open, relation);
        referenced.insert(relation);
        if (circle.empty() || referenced.size() < circle.size()) {
            circle = std::move(referenced);
        }
    }
    return circle;
}

std::vector<TableGroup> cut_circle(const Keys &keys, const std::set<Oid> &circle) {
    std::vector<TableGroup> parts;
    const Keys immediate = keep_immediate(keys, circle);
    std::set<Oid> open = circle;
    while (!open.empty()) {
        for (Oid relation : find_first_circle(immediate, open)) {
            parts.push_back({{relation}, true});
            open.erase(relation);
        }
    }
    return parts;
}

} // namespace

std::vector<TableGroup> order_tables(const Keys &keys) {
    std::set<Oid> open;
    for (const auto &[relation, own] : keys) {
        open.insert(relation);
    }
    std::vector<TableGroup> ordered;
    while (!open.empty()) {
        const std::set<Oid> circle = find_first_circle(keys, open);
        if (have_one_owner(keys, circle)) {
            ordered.push_back({{circle.begin(), circle.end()}});
        } else {
            const std::vector<TableGroup> parts = cut_circle(keys, circle);
            ordered.insert(ordered.end(), parts.begin(), parts.end());
        }
        for (Oid relation : circle) {
            open.erase(relation);
        }
    }
    return ordered;
}

} // namespace softdelete::rows
