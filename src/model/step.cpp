// The steps of register() and its like: the names of their actions and the order in which they are shown and run.
#include "model/step.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace softdelete::model {

namespace {

int rank(const Step &step) {
    if (step.action == Action::warning) {
        return static_cast<int>(step.warning.concern);
    }
    return static_cast<int>(Concern::speed) + (step.is_online ? 1 : 2);
}

// What two actions on one object come to.
Action combine(Action first, Action second) {
    if (first == second || second == Action::alter) {
        return first;
    }
    return first == Action::alter ? second : Action::replace;
}

} // namespace

const char *to_text(Action action) {
    switch (action) {
    case Action::warning:
        return "warning";
    case Action::create:
        return "create";
    case Action::adopt:
        return "adopt";
    case Action::replace:
        return "replace";
    case Action::alter:
        return "alter";
    case Action::drop:
        return "drop";
    case Action::keep:
        return "keep";
    }
    return "";
}

std::vector<Step> arrange(std::vector<Step> steps) {
    std::vector<Step> arranged;
    std::map<std::pair<unsigned int, std::string>, std::size_t> places;
    for (Step &step : steps) {
        if (step.is_online || !step.runs()) {
            arranged.push_back(std::move(step));
            continue;
        }
        auto [place, is_new] = places.try_emplace({step.relation, step.object}, arranged.size());
        if (is_new) {
            arranged.push_back(std::move(step));
            continue;
        }
        Step &first = arranged[place->second];
        first.action = combine(first.action, step.action);
        first.commands.insert(first.commands.end(), step.commands.begin(), step.commands.end());
    }
    std::stable_sort(arranged.begin(), arranged.end(),
                     [](const Step &left, const Step &right) { return rank(left) < rank(right); });
    return arranged;
}

} // namespace softdelete::model
