// One step of what register(), configure(), repair() or unregister() does or would do.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace softdelete::model {

enum class Action { create, adopt, replace, alter, keep, warning };

const char *to_text(Action action);

struct Step {
    unsigned int relation; // the table's OID
    std::string object;    // kind and name, as in `index orders_pkey`
    Action action;
    bool is_online; // can be run beforehand, in its order, while the table is in use
    std::string command;

    // The others only tell.
    bool runs() const {
        return action == Action::create || action == Action::replace || action == Action::alter;
    }
};

// Online steps first, warnings last, otherwise as they were.
void sort_steps(std::vector<Step> &steps);

} // namespace softdelete::model
