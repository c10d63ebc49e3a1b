// Steps: names and order.
#include "model/step.hpp"

#include <algorithm>

namespace softdelete::model {

namespace {

int rank(const Step &step) {
    if (step.is_online) {
        return 0;
    }
    return step.action == Action::warning ? 2 : 1;
}

} // namespace

const char *to_text(Action action) {
    switch (action) {
    case Action::create:
        return "create";
    case Action::adopt:
        return "adopt";
    case Action::replace:
        return "replace";
    case Action::alter:
        return "alter";
    case Action::keep:
        return "keep";
    case Action::warning:
        return "warning";
    }
    return "";
}

void sort_steps(std::vector<Step> &steps) {
    std::stable_sort(steps.begin(), steps.end(),
                     [](const Step &left, const Step &right) { return rank(left) < rank(right); });
}

} // namespace softdelete::model
