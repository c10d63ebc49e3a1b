// Lays out the steps of a preview, which come level by level, as a tree in the order in which one reads it. Called by
// api/deletions for preview_tree().
#include "model/preview_tree.hpp"

#include <map>
#include <set>
#include <utility>

namespace softdelete::model {

namespace {

// Deeper levels, of rows that reference rows of their own table over and over, are numbered.
constexpr int deepest_indented = 12;

std::string indent(int depth, const std::string &name) {
    if (depth <= deepest_indented) {
        return std::string(2 * static_cast<std::size_t>(depth), ' ') + name;
    }
    return std::string(2 * static_cast<std::size_t>(deepest_indented), ' ') + "level " + std::to_string(depth)
           + ": " + name;
}

bool goes(const TreeStep &step) {
    return step.action == "delete" || step.action == "cascade" || step.action == "removed";
}

std::string count(std::uint64_t number, const char *one, const char *many) {
    return std::to_string(number) + " " + (number == 1 ? one : many);
}

class Layout {
public:
    explicit Layout(const std::vector<TreeStep> &steps) : steps_(steps) {}

    // Not by recursion: a tree may have as many levels as rows.
    std::vector<TreeLine> lay_out() {
        std::vector<const TreeStep *> work = find_below(-1, 0);
        while (!work.empty()) {
            const TreeStep &step = *work.back();
            work.pop_back();
            lines_.push_back({indent(step.depth, step.name), step.rows, step.action, step.key});
            if (goes(step) && shown_.emplace(step.depth, step.table).second) {
                for (const TreeStep *below : find_below(step.depth, step.table)) {
                    work.push_back(below);
                }
            }
        }
        add_total();
        return lines_;
    }

private:
    // The last first.
    std::vector<const TreeStep *> find_below(int depth, unsigned table) const {
        std::vector<const TreeStep *> found;
        for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
            if (step->depth == depth + 1 && (depth < 0 || step->parent == table)) {
                found.push_back(&*step);
            }
        }
        return found;
    }

    void add_total() {
        std::uint64_t rows = 0;
        std::set<unsigned> tables;
        std::map<std::string, std::uint64_t> refusing;
        for (const TreeStep &step : steps_) {
            if (step.action == "refuse") {
                refusing[step.name] += step.rows;
            } else if (goes(step) && step.rows > 0) {
                rows += step.rows;
                tables.insert(step.table);
            }
        }
        std::string refusals;
        for (const auto &[name, number] : refusing) {
            refusals +=
                (refusals.empty() ? "refused by " : ", ") + count(number, "row", "rows") + " of " + name;
        }
        lines_.push_back({"total", refusals.empty() ? rows : 0, refusals.empty() ? "delete" : "refuse",
                          refusals.empty() ? count(tables.size(), "table", "tables") : refusals});
    }

    const std::vector<TreeStep> &steps_;
    std::vector<TreeLine> lines_;
    std::set<std::pair<int, unsigned>> shown_; // what is below them
};

} // namespace

std::vector<TreeLine> lay_out_tree(const std::vector<TreeStep> &steps) {
    return Layout(steps).lay_out();
}

} // namespace softdelete::model
