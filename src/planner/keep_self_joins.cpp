// Keeps references of one table with different scopes apart where the server would remove a self-join on a unique key
// (remove_useless_self_joins() in src/backend/optimizer/plan/analyzejoins.c, from version 18). Called by
// hooks/planner_hook. Of references with the same scope either's filter is as good.
#include "planner/keep_self_joins.hpp"

#include "pg/compat.hpp"

extern "C" {
#include "utils/guc.h"
}

namespace softdelete::planner {

int begin_planning(const session::Statement &statement) {
    if ((statement.notes & session::note_planned) != 0 && statement.is_planned_again) {
        // Citus would plan the statement of a shard of this node without asking the hooks.
        int nest_level = NewGUCNestLevel();
        (void)set_config_option("citus.enable_local_fast_path_query_optimization", "off", PGC_USERSET,
                                PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
        return nest_level;
    }
    if (!pg::compat::self_join_removal_forgets_restrictions
        || (statement.scopes & (statement.scopes - 1)) == 0) {
        return 0;
    }
    int nest_level = NewGUCNestLevel();
    (void)set_config_option("enable_self_join_elimination", "off", PGC_USERSET, PGC_S_SESSION,
                            GUC_ACTION_SAVE, true, 0, false);
    return nest_level;
}

void end_planning(int nest_level) {
    if (nest_level > 0) {
        AtEOXact_GUC(true, nest_level);
    }
}

} // namespace softdelete::planner
