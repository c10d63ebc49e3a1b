// cascade_graph(): follows foreign keys from table to table, as the cascade does from row to row. The drawing is left to
// model/mermaid, the names of tables to the caller. Called by api/deletions.
#include "deletion/cascade_graph.hpp"

#include "catalog/foreign_keys.hpp"
#include "model/mermaid.hpp"
#include "sqltext/format.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace softdelete::deletion {

namespace {

using catalog::ForeignKey;
using catalog::OnDelete;
using catalog::TableInfo;

// What becomes of the rows of the referencing table, and how that is drawn.
struct Effect {
    const char *text;
    model::Arrow arrow;
};

Effect get_cascade_effect(const ForeignKey &key) {
    if (key.child.archive && !key.child.is_registered) {
        return {"moved to its archive", model::Arrow::solid};
    }
    if (key.parent.is_registered) {
        return key.child.is_registered ? Effect{"deleted with it", model::Arrow::solid}
                                       : Effect{"stays until the purge", model::Arrow::dashed};
    }
    return key.child.is_registered ? Effect{"refuses while it has rows that are kept", model::Arrow::crossed}
                                   : Effect{"removed for good", model::Arrow::solid};
}

Effect get_effect(const ForeignKey &key) {
    switch (key.on_delete) {
    case OnDelete::cascade:
        return get_cascade_effect(key);
    case OnDelete::no_action:
    case OnDelete::restricted:
        return {"refuses while it has live rows", model::Arrow::crossed};
    case OnDelete::set_null:
    case OnDelete::set_default:
        return {key.parent.is_registered ? "keeps the link until the purge" : "loses the link",
                model::Arrow::dashed};
    }
    return {"", model::Arrow::solid};
}

std::string describe(const TableInfo &table) {
    if (!table.is_registered && !table.archive) {
        return "not registered";
    }
    const std::string strategy = table.is_registered ? "flag" : "archive";
    const char *without_retention = table.is_registered ? "kept until a purge by hand" : "kept for ever";
    return strategy + ", " + (table.retention.empty() ? without_retention : "kept for " + table.retention);
}

class Graph {
public:
    explicit Graph(pg::Spi &spi) : spi_(spi) {}

    CascadeGraph find(const TableInfo &root) {
        (void)get_node(root);
        // The tables whose rows go, which are added meanwhile.
        for (std::size_t i = 0; i < going_.size(); i++) {
            follow(going_[i]);
        }
        return graph_;
    }

private:
    std::size_t get_node(const TableInfo &table) {
        auto [place, is_new] = numbers_.try_emplace(table.relation, graph_.tables.size());
        if (is_new) {
            graph_.tables.push_back({table.relation, describe(table)});
            if (numbers_.size() == 1) {
                going_.push_back(table);
            }
        }
        return place->second;
    }

    void follow(const TableInfo &parent) {
        const std::size_t from = get_node(parent);
        for (Oid heir : catalog::find_heirs(spi_, parent.relation)) {
            for (const ForeignKey &key : catalog::find_referencing_keys(spi_, heir)) {
                if (!drawn_.insert(key.constraint).second) {
                    continue;
                }
                const bool is_known = numbers_.contains(key.child.relation);
                const Effect effect = get_effect(key);
                graph_.keys.push_back(
                    {from,
                     get_node(key.child),
                     effect.arrow,
                     {key.name, std::string("ON DELETE ") + catalog::name_action(key.on_delete),
                      effect.text}});
                if (key.on_delete == OnDelete::cascade && (!is_known || !is_going(key.child.relation))) {
                    going_.push_back(key.child);
                }
            }
        }
    }

    bool is_going(Oid relation) const {
        return std::any_of(going_.begin(), going_.end(),
                           [&](const TableInfo &table) { return table.relation == relation; });
    }

    pg::Spi &spi_;
    CascadeGraph graph_;
    std::map<Oid, std::size_t> numbers_;
    std::set<Oid> drawn_;          // keys
    std::vector<TableInfo> going_; // tables whose rows may go
};

} // namespace

CascadeGraph find_cascade_graph(Oid relation) {
    pg::Spi spi;
    return Graph(spi).find(catalog::get_users_table(spi, relation));
}

} // namespace softdelete::deletion
