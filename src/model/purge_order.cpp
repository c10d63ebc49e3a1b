// Orders tables for a purge by Tarjan's strongly connected components: found from the referenced to the referencing,
// they come out in the order that a purge needs. Called by purge/purge_tables.
#include "model/purge_order.hpp"

#include <algorithm>

namespace softdelete::model {

namespace {

class Components {
public:
    Components(std::size_t count, const std::vector<Reference> &references)
        : referencing_(count)
        , numbers_(count, 0)
        , lows_(count, 0)
        , is_stacked_(count, false) {
        for (const auto &[from, to] : references) {
            referencing_[to].push_back(from);
        }
    }

    std::vector<PurgeGroup> run() {
        for (std::size_t table = 0; table < referencing_.size(); table++) {
            if (numbers_[table] == 0) {
                visit(table);
            }
        }
        return std::move(groups_);
    }

private:
    void visit(std::size_t table) {
        numbers_[table] = lows_[table] = ++visited_;
        stack_.push_back(table);
        is_stacked_[table] = true;
        for (std::size_t next : referencing_[table]) {
            if (numbers_[next] == 0) {
                visit(next);
                lows_[table] = std::min(lows_[table], lows_[next]);
            } else if (is_stacked_[next]) {
                lows_[table] = std::min(lows_[table], numbers_[next]);
            }
        }
        if (lows_[table] == numbers_[table]) {
            close(table);
        }
    }

    void close(std::size_t root) {
        PurgeGroup group = {};
        std::size_t table = root;
        do {
            table = stack_.back();
            stack_.pop_back();
            is_stacked_[table] = false;
            group.tables.push_back(table);
        } while (table != root);
        std::sort(group.tables.begin(), group.tables.end());
        const std::vector<std::size_t> &own = referencing_[root];
        group.is_cyclic = group.tables.size() > 1 || std::find(own.begin(), own.end(), root) != own.end();
        groups_.push_back(std::move(group));
    }

    std::vector<std::vector<std::size_t>> referencing_;
    std::vector<std::size_t> numbers_; // in the order of the visit, from 1
    std::vector<std::size_t> lows_;
    std::vector<bool> is_stacked_;
    std::vector<std::size_t> stack_;
    std::size_t visited_ = 0;
    std::vector<PurgeGroup> groups_;
};

} // namespace

std::vector<PurgeGroup> order_for_purge(std::size_t count, const std::vector<Reference> &references) {
    return Components(count, references).run();
}

} // namespace softdelete::model
