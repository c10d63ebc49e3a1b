// Walks down along CASCADE keys, as the removal would, to the SET NULL and SET DEFAULT keys whose rows are held; and up again
// from held rows where all rows of a table are asked for. Where no such key is near, no row is read.
#include "holds/held_links.hpp"

#include "holds/held_rows.hpp"
#include "rows/follow_links.hpp"

#include <deque>
#include <set>

namespace softdelete::holds {

namespace {

using catalog::ForeignKey;
using Found = HoldGraph::Found;
using rows::RowId;

// Each row that reaches one of the found ones is found as well.
void spread(const std::map<RowId, std::vector<RowId>> &parents, Found *found) {
    std::deque<std::pair<RowId, std::int64_t>> work(found->begin(), found->end());
    while (!work.empty()) {
        auto [row, hold] = work.front();
        work.pop_front();
        auto above = parents.find(row);
        if (above == parents.end()) {
            continue;
        }
        for (const RowId &parent : above->second) {
            if (found->try_emplace(parent, hold).second) {
                work.emplace_back(parent, hold);
            }
        }
    }
}

rows::RowSet get_children(const std::vector<rows::RowLink> &links) {
    rows::RowSet children;
    for (const rows::RowLink &link : links) {
        children.add(link.child);
    }
    return children;
}

} // namespace

const std::vector<ForeignKey> &HeldLinks::get_referencing_keys(pg::Spi &spi, Oid relation) {
    auto place = referencing_.find(relation);
    if (place == referencing_.end()) {
        const HoldGraph::Node &node = graph_.get_node(spi, relation);
        std::vector<ForeignKey> keys =
            catalog::find_referencing_keys(spi, node.is_archive ? node.holders.front() : relation);
        place = referencing_.emplace(relation, catalog::reach_archives(keys, node.is_archive)).first;
    }
    return place->second;
}

// The keys that overwrite, of the table and of those that CASCADE keys lead to from it.
std::vector<ForeignKey> HeldLinks::find_keys(pg::Spi &spi, Oid relation) {
    std::vector<ForeignKey> found;
    std::set<Oid> seen = {graph_.get_node(spi, relation).table.relation};
    std::deque<Oid> work(seen.begin(), seen.end());
    while (!work.empty()) {
        for (const ForeignKey &key : get_referencing_keys(spi, work.front())) {
            Oid child = key.child.relation;
            if (!catalog::binds(key.on_delete) && graph_.leads_to_hold(spi, child)) {
                found.push_back(key);
            } else if (key.on_delete == catalog::OnDelete::cascade && seen.insert(child).second) {
                work.push_back(child);
            }
        }
        work.pop_front();
    }
    return found;
}

bool HeldLinks::leads_to_held(pg::Spi &spi, Oid relation) {
    auto place = leads_.find(relation);
    if (place == leads_.end()) {
        bool leads = !graph_.empty(spi) && !find_keys(spi, relation).empty();
        place = leads_.emplace(relation, leads).first;
    }
    return place->second;
}

Found HeldLinks::find(pg::Spi &spi, const rows::RowSet &rows) {
    Found found;
    std::map<RowId, std::vector<RowId>> parents;
    rows::RowSet seen = rows;
    std::deque<rows::RowSet> work = {rows};
    while (!work.empty()) {
        rows::RowSet level;
        for (const auto &[relation, members] : rows::group_by_table(work.front())) {
            Oid table = graph_.get_node(spi, relation).table.relation;
            if (!leads_to_held(spi, table)) {
                continue;
            }
            for (const ForeignKey &key : get_referencing_keys(spi, table)) {
                Oid child = key.child.relation;
                bool overwrites = !catalog::binds(key.on_delete) && graph_.leads_to_hold(spi, child);
                bool takes_along = key.on_delete == catalog::OnDelete::cascade && leads_to_held(spi, child);
                std::vector<rows::RowLink> links = overwrites || takes_along
                                                       ? rows::find_links_below(spi, key, members)
                                                       : std::vector<rows::RowLink>();
                Found held = overwrites ? find_holds_above(spi, graph_, get_children(links)) : Found();
                for (const rows::RowLink &link : links) {
                    if (auto place = held.find(link.child); place != held.end()) {
                        found.try_emplace(link.parent, place->second);
                    } else if (takes_along) {
                        parents[link.child].push_back(link.parent);
                        if (seen.add(link.child)) {
                            level.add(link.child);
                        }
                    }
                }
            }
        }
        work.pop_front();
        if (!level.empty()) {
            work.push_back(std::move(level));
        }
    }
    spread(parents, &found);
    std::erase_if(found, [&](const auto &entry) { return !rows.contains(entry.first); });
    return found;
}

Found HeldLinks::find_all(pg::Spi &spi, Oid relation) {
    rows::RowSet linked;
    for (const ForeignKey &key :
         leads_to_held(spi, relation) ? find_keys(spi, relation) : std::vector<ForeignKey>()) {
        for (const rows::RowLink &link :
             rows::find_parents(spi, key, find_rows_on_hold(spi, graph_, key.child))) {
            linked.add(link.parent);
        }
    }
    std::deque<rows::RowSet> work = {linked};
    while (!work.front().empty()) {
        rows::RowSet level;
        for (const auto &[row_table, members] : rows::group_by_table(work.front())) {
            for (const ForeignKey &key : graph_.get_node(spi, row_table).cascades) {
                for (const rows::RowLink &link : rows::find_parents(spi, key, members)) {
                    if (linked.add(link.parent)) {
                        level.add(link.parent);
                    }
                }
            }
        }
        work = {std::move(level)};
    }
    return linked.empty() ? Found() : find(spi, linked);
}

} // namespace softdelete::holds
