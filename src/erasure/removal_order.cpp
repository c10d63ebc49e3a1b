// Referencing tables first, as one who removes the rows by hand does. Called by erasure/erase_row; erasure/remove_rows removes.
#include "erasure/removal_order.hpp"

#include "rows/follow_links.hpp"
#include "rows/table_order.hpp"

namespace softdelete::erasure {

namespace {

using catalog::ForeignKey;
using rows::RowSet;

bool refuses(const ForeignKey &key) {
    return catalog::binds(key.on_delete) && key.on_delete != catalog::OnDelete::cascade;
}

RowSet find_refusing(pg::Spi &spi, const rows::RowTree &tree) {
    RowSet refusing;
    for (const auto &[relation, rows] : rows::group_by_table(tree.all)) {
        for (const ForeignKey &key :
             catalog::find_referencing_keys(spi, catalog::get_table(spi, relation).relation)) {
            if (!refuses(key)) {
                continue;
            }
            for (const rows::RowLink &link : rows::find_links_below(spi, key, rows)) {
                if (tree.all.contains(link.child) && !(link.child == link.parent)) {
                    refusing.add(link.child);
                }
            }
        }
    }
    return refusing;
}

} // namespace

std::vector<RemovalStep> find_removed_first(pg::Spi &spi, const rows::RowTree &tree) {
    const RowSet refusing = find_refusing(spi, tree);
    std::vector<RemovalStep> steps;
    if (refusing.empty()) {
        return steps;
    }
    std::map<Oid, std::vector<ForeignKey>> keys;
    for (const auto &[relation, member] : tree.tables) {
        keys[relation] = catalog::find_own_keys(spi, relation);
        std::erase_if(keys[relation], [](const ForeignKey &key) { return !catalog::binds(key.on_delete); });
    }
    const std::vector<rows::TableGroup> order = rows::order_tables(keys);
    for (auto group = order.rbegin(); group != order.rend(); ++group) {
        RemovalStep step;
        for (Oid relation : group->tables) {
            const rows::TreeTable &member = tree.tables.at(relation);
            const RowSet others = rows::subtract(member.rows, refusing);
            const RowSet first = rows::subtract(member.rows, others);
            if (!first.empty()) {
                step.push_back({member.table, first});
            }
        }
        if (!step.empty()) {
            steps.push_back(std::move(step));
        }
    }
    return steps;
}

} // namespace softdelete::erasure
