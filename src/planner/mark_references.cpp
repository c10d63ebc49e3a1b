// Whose rights a reference needs and whose policies apply to it is one field of the server's, which views use likewise.
#include "planner/mark_references.hpp"

#include "pg/compat.hpp"
#include "pg/query_relations.hpp"
#include "pg/relations.hpp"
#include "planner/recycle_bin.hpp"
#include "session/members_owners.hpp"
#include "session/own_statement.hpp"

extern "C" {
#include "miscadmin.h"
}

namespace softdelete::planner {

namespace {

using session::OwnReading;

bool mark_reference(Query *query, RangeTblEntry *entry, void *context) {
    if (*static_cast<const OwnReading *>(context) == OwnReading::as_owners) {
        pg::compat::permission_info(query, entry)->checkAsUser = pg::get_owner(entry->relid);
    } else {
        set_scope(entry, Scope::past_policy);
    }
    return false;
}

bool is_others_table(Query *, RangeTblEntry *entry, void *) {
    return pg::get_owner(entry->relid) != GetUserId();
}

bool refuse_members(Query *, RangeTblEntry *entry, void *) {
    if (entry->inh) {
        session::refuse_members_as_owner(entry->relid);
    }
    return false;
}

} // namespace

void refuse_others_members(const char *text, Query *query, bool is_foreign_key) {
    if (session::is_planned_in_command(text, is_foreign_key)) {
        (void)pg::find_relation_entry(query, refuse_members);
    }
}

// A DELETE from several tables comes from purge/purge_cycle, which has looked for such code itself.
bool is_planned_as_owner(const char *text, Query *query) {
    const session::OwnTraits *own = session::find_own_statement(text);
    return own == nullptr || own->reading != OwnReading::as_owners || query->hasModifyingCTE
           || !pg::find_relation_entry(query, is_others_table);
}

void mark_own_statement(const char *text, Query *query) {
    const session::OwnTraits *own = session::find_own_statement(text);
    if (own == nullptr || own->reading == OwnReading::as_said) {
        return;
    }
    OwnReading reading = own->reading;
    (void)pg::find_relation_entry(query, mark_reference, &reading);
}

} // namespace softdelete::planner
