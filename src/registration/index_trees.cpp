// Finds an index together with the indexes of partitions that are attached to it. Called where indexes are converted
// and taken back.
#include "registration/index_trees.hpp"

namespace softdelete::registration {

std::vector<const model::IndexFacts *> get_attached(const std::vector<model::IndexFacts> &indexes,
                                                    const model::IndexFacts &parent) {
    std::vector<const model::IndexFacts *> attached;
    for (const model::IndexFacts &index : indexes) {
        if (index.parent == parent.oid) {
            attached.push_back(&index);
        }
    }
    return attached;
}

std::vector<const model::IndexFacts *> get_tree(const std::vector<model::IndexFacts> &indexes,
                                                const model::IndexFacts &root) {
    std::vector<const model::IndexFacts *> tree = {&root};
    for (std::size_t i = 0; i < tree.size(); i++) {
        for (const model::IndexFacts *index : get_attached(indexes, *tree[i])) {
            tree.push_back(index);
        }
    }
    return tree;
}

} // namespace softdelete::registration
