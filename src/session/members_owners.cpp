// The planner hook asks before it plans a statement, because planning evaluates expressions of indexes, and the executor hook
// before one runs: plans are kept. Both ask in commands of ours alone, so that the cascade of a DELETE that somebody writes
// does what native referential actions do.
#include "session/members_owners.hpp"

#include "pg/called_settings.hpp"
#include "pg/relations.hpp"
#include "session/own_statement.hpp"
#include "session/running_statements.hpp"

extern "C" {
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
}

namespace softdelete::session {

namespace {

const char *describe(Oid table) {
    return quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)), get_rel_name(table));
}

} // namespace

void refuse_others_members(Oid table) {
    Oid member = pg::find_others_member(table);
    if (OidIsValid(member)) {
        ereport(
            ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("table \"%s\" has partitions or children of another owner", get_rel_name(table)),
             errdetail("What the owner of \"%s\" has put into it, such as triggers and indexes, would run as "
                       "the owner of \"%s\".",
                       get_rel_name(member), get_rel_name(table)),
             errhint("Run ALTER TABLE %s OWNER TO %s.", describe(member),
                     quote_identifier(GetUserNameFromId(pg::get_owner(table), false)))));
    }
}

void refuse_members_as_owner(Oid table) {
    if (pg::get_owner(table) == GetUserId()) {
        refuse_others_members(table);
    }
}

bool is_planned_in_command(const char *text, bool is_foreign_key) {
    return pg::CalledSettings::are_in_force()
           && (pg::CalledSettings::began_at(running_statement_depth()) || find_own_statement(text) != nullptr
               || (is_foreign_key && running_own_statement() != nullptr));
}

void refuse_others_members_of(const QueryDesc *query) {
    bool is_commands =
        pg::CalledSettings::are_in_force()
        && (pg::CalledSettings::began_at(running_statement_depth() - 1) || acting_own_statement() != nullptr);
    if (!is_commands) {
        return;
    }
    ListCell *cell;
    foreach (cell, query->plannedstmt->rtable) {
        const auto *rte = lfirst_node(RangeTblEntry, cell);
        if (rte->rtekind == RTE_RELATION && rte->inh) {
            refuse_members_as_owner(rte->relid);
        }
    }
}

} // namespace softdelete::session
