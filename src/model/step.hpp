// One step of what register(), configure(), repair() or unregister() does or would do.
#pragma once

#include "model/warning.hpp"

#include <string>
#include <vector>

namespace softdelete::model {

enum class Action { warning, create, adopt, replace, alter, drop, keep };

const char *to_text(Action action);

struct Step {
    unsigned int relation; // the table's OID
    std::string object;    // kind and name, as in `index orders_pkey`
    Action action;
    bool is_online; // can be run beforehand, in its order, while the table is in use; one statement only
    std::vector<std::string> commands; // statements, in their order; of a warning, what helps
    std::string remark = {};           // what a warning says, or why something is kept
    Warning warning = {};              // of a warning, what it is
    std::string advice = {}; // of a warning, what its command is; where it has none, what else helps
    bool needs_look = false; // the commands of a warning: somebody is to look before they run

    // The others only tell.
    bool runs() const { return action != Action::warning && !commands.empty(); }
};

// Makes the steps that run and are not online one per object, in the place of the object's first, and puts warnings
// first, the worst at the top, then online steps, then the others. Run in the order that results, the steps do what they
// do in the order given: what a later step of an object does may depend on earlier objects only.
std::vector<Step> arrange(std::vector<Step> steps);

} // namespace softdelete::model
