// Walks down the keys of a blocker level by level and carries along which rows each row found so far keeps. Called by what
// removes due rows, and by the preview, where tables have several owners.
#include "purge/reference_links.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace softdelete::purge {

namespace {

using catalog::ForeignKey;
using rows::RowId;

// A row, and those of the rows asked for that it keeps.
using Kept = std::map<RowId, std::set<RowId>>;

rows::RowSet get_rows(const Kept &kept) {
    rows::RowSet rows;
    for (const auto &[row, above] : kept) {
        rows.add(row);
    }
    return rows;
}

void step(pg::Spi &spi, const ForeignKey &key, const Kept &from, const std::string &condition, Kept *to) {
    for (const rows::RowLink &link : rows::find_links_below(spi, key, get_rows(from), condition)) {
        const std::set<RowId> &above = from.at(link.parent);
        (*to)[link.child].insert(above.begin(), above.end());
    }
}

// Takes from `found` what `all` has already, and adds the rest to it.
void keep_new(Kept *found, Kept *all) {
    for (auto row = found->begin(); row != found->end();) {
        std::set<RowId> &known = (*all)[row->first];
        std::erase_if(row->second, [&](const RowId &above) { return !known.insert(above).second; });
        row = row->second.empty() ? found->erase(row) : std::next(row);
    }
}

// The rows of unregistered tables that go with these rows, where the tables lead back to themselves.
Kept find_passed(pg::Spi &spi, const Blocker &blocker, const Kept &asked) {
    Kept all;
    Kept level;
    for (const ForeignKey &key : blocker.entries) {
        step(spi, key, asked, "", &level);
    }
    keep_new(&level, &all);
    while (!level.empty()) {
        Kept below;
        for (const ForeignKey &key : blocker.passages) {
            step(spi, key, level, "", &below);
        }
        keep_new(&below, &all);
        level = std::move(below);
    }
    return all;
}

bool is_owned_by(const std::vector<ForeignKey> &keys, Oid owner) {
    return std::all_of(keys.begin(), keys.end(), [&](const ForeignKey &key) {
        return key.parent.owner == owner && key.child.owner == owner;
    });
}

} // namespace

bool have_one_owner(const std::vector<Blocker> &blockers, Oid owner) {
    return std::all_of(blockers.begin(), blockers.end(), [&](const Blocker &blocker) {
        return is_owned_by(blocker.chain, owner) && is_owned_by(blocker.entries, owner)
               && is_owned_by(blocker.passages, owner);
    });
}

std::vector<rows::RowLink> find_reference_links(pg::Spi &spi, const Blocker &blocker,
                                                const rows::RowSet &rows, const std::string &condition) {
    Kept level;
    for (const RowId &row : rows.ids()) {
        level[row].insert(row);
    }
    if (!blocker.entries.empty()) {
        level = find_passed(spi, blocker, level);
    }
    for (std::size_t i = 0; i < blocker.chain.size(); i++) {
        bool is_last = i + 1 == blocker.chain.size();
        Kept below;
        step(spi, blocker.chain[i], level, is_last ? condition : "", &below);
        level = std::move(below);
    }
    std::vector<rows::RowLink> links;
    for (const auto &[child, parents] : level) {
        for (const RowId &parent : parents) {
            links.push_back({child, parent});
        }
    }
    return links;
}

rows::RowSet get_parents(const std::vector<rows::RowLink> &links) {
    rows::RowSet parents;
    for (const rows::RowLink &link : links) {
        parents.add(link.parent);
    }
    return parents;
}

rows::RowSet get_children(const std::vector<rows::RowLink> &links) {
    rows::RowSet children;
    for (const rows::RowLink &link : links) {
        children.add(link.child);
    }
    return children;
}

} // namespace softdelete::purge
