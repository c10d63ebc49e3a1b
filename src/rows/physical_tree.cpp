// Collects a row with all that its physical removal takes along, level by level. A level's rows are grouped by the
// table that they are in, which may be an inheritance child or a partition with foreign keys of its own. Called by
// erasure/.
#include "rows/physical_tree.hpp"
#include "sqltext/format.hpp"

namespace softdelete::rows {

namespace {

using catalog::ForeignKey;
using catalog::OnDelete;

class Collector {
public:
    Collector(pg::Spi &spi, RowTree &tree) : spi_(spi), tree_(tree) {}

    void run(const RowSet &rows) {
        for (RowSet level = take_new(rows); !level.empty();) {
            RowSet below;
            for (const auto &[relation, members] : group_by_table(level)) {
                for (const ForeignKey &key : get_keys(relation)) {
                    follow(key, members, &below);
                }
            }
            level = std::move(below);
        }
    }

private:
    const catalog::TableInfo &get_table(Oid relation) {
        auto place = tables_.find(relation);
        if (place == tables_.end()) {
            place = tables_.emplace(relation, catalog::get_table(spi_, relation)).first;
        }
        return place->second;
    }

    const std::vector<ForeignKey> &get_keys(Oid relation) {
        auto [place, is_new] = keys_.try_emplace(relation);
        if (is_new) {
            place->second = catalog::find_referencing_keys(spi_, get_table(relation).relation);
        }
        return place->second;
    }

    RowSet take_new(const RowSet &rows) {
        RowSet fresh;
        for (const RowId &row : rows.ids()) {
            if (tree_.all.add(row)) {
                const catalog::TableInfo &table = get_table(row.table);
                TreeTable &member = tree_.tables[table.relation];
                member.table = table;
                member.rows.add(row);
                fresh.add(row);
            }
        }
        return fresh;
    }

    void follow(const ForeignKey &key, const RowSet &parents, RowSet *below) {
        if (key.on_delete == OnDelete::cascade) {
            below->add_all(take_new(lock_children(spi_, key, parents)));
        } else if (!catalog::binds(key.on_delete)) {
            for (const auto &[relation, rows] : group_by_table(find_children(spi_, key, parents))) {
                tree_.linked.insert(relation);
            }
        }
    }

    pg::Spi &spi_;
    RowTree &tree_;
    std::map<Oid, catalog::TableInfo> tables_;
    std::map<Oid, std::vector<ForeignKey>> keys_;
};

} // namespace

std::set<Oid> RowTree::get_relations() const {
    std::set<Oid> relations;
    for (const auto &[relation, rows] : group_by_table(all)) {
        relations.insert(relation);
    }
    return relations;
}

std::string RowTree::count(pg::Spi &spi) const {
    std::string counts;
    for (const auto &[relation, member] : tables) {
        std::string name = spi.query("SELECT pg_catalog.to_json($1)", {member.table.name}).front().text(0);
        counts += sqltext::format("%1%%2%: %3%", (counts.empty() ? "" : ", "), name, member.rows.size());
    }
    return "{" + counts + "}";
}

RowTree collect_tree(pg::Spi &spi, const RowSet &rows) {
    RowTree tree;
    Collector(spi, tree).run(rows);
    return tree;
}

} // namespace softdelete::rows
