// A condition goes to the lowest inner join above the reference, or to the outer join whose nullable side the reference is: ON
// restricts that side and keeps the rows of the other.
#include "planner/place_filter.hpp"

#include "planner/expressions.hpp"

extern "C" {
#include "utils/lsyscache.h"
}

namespace softdelete::planner {

namespace {

enum class Place { absent, pending, done };

[[noreturn]] void refuse_full_join(const session::RegisteredTable &table) {
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("FULL JOIN of registered table \"%s\", which is a table of Citus, is not supported",
                    get_rel_name(table.relation)),
             errhint("Join a sub-select, as in FULL JOIN (SELECT ... FROM %s) AS t.",
                     quote_identifier(get_rel_name(table.relation)))));
    pg_unreachable();
}

// Does the join keep only such rows of that side as have a match?
bool restricts(const JoinExpr *join, bool is_right) {
    return join->jointype == JOIN_INNER || join->jointype == (is_right ? JOIN_LEFT : JOIN_RIGHT);
}

Place place(Node *node, Index reference, const session::RegisteredTable &table, Node *condition) {
    if (IsA(node, RangeTblRef)) {
        return static_cast<Index>(castNode(RangeTblRef, node)->rtindex) == reference ? Place::pending
                                                                                     : Place::absent;
    }
    if (IsA(node, JoinExpr)) {
        JoinExpr *join = castNode(JoinExpr, node);
        Place found = place(join->larg, reference, table, condition);
        bool is_right = found == Place::absent;
        if (is_right) {
            found = place(join->rarg, reference, table, condition);
        }
        if (found != Place::pending) {
            return found;
        }
        if (join->jointype == JOIN_FULL) {
            refuse_full_join(table);
        }
        if (!restricts(join, is_right)) {
            return Place::pending;
        }
        add_condition(&join->quals, condition);
        return Place::done;
    }
    FromExpr *from = castNode(FromExpr, node);
    ListCell *cell;
    foreach (cell, from->fromlist) {
        Place found = place(static_cast<Node *>(lfirst(cell)), reference, table, condition);
        if (found == Place::pending) {
            add_condition(&from->quals, condition);
            found = Place::done;
        }
        if (found == Place::done) {
            return found;
        }
    }
    return Place::absent;
}

} // namespace

void place_filter(Query *query, Index reference, const session::RegisteredTable &table, NullTestType test) {
    if (query->jointree != nullptr) {
        (void)place(reinterpret_cast<Node *>(query->jointree), reference, table,
                    make_deleted_test(table, reference, test));
    }
}

} // namespace softdelete::planner
