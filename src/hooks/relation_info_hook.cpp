// get_relation_info: the planner asks for the properties of a relation, which is the moment to add the filter.
// planner/filter_relation adds it.
#include "hooks/hooks.hpp"

#include "pg/compat.hpp"
#include "planner/transform_query.hpp"

extern "C" {
#include "optimizer/pathnode.h"
}

namespace softdelete::hooks {

namespace {

decltype(SOFTDELETE_RELATION_HOOK) next_relation_hook = nullptr;

extern "C" void softdelete_relation_hook(SOFTDELETE_RELATION_HOOK_PARAMETERS) {
    if (next_relation_hook != nullptr) {
        next_relation_hook(SOFTDELETE_RELATION_HOOK_ARGUMENTS);
    }
    planner::filter_relation(root, relation);
}

} // namespace

void install_relation_info_hook() {
    next_relation_hook = SOFTDELETE_RELATION_HOOK;
    SOFTDELETE_RELATION_HOOK = softdelete_relation_hook;
}

} // namespace softdelete::hooks
