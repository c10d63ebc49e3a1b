// What the files here ask of the table of a command, in the server's words where the answer is an error.
#include "ddl/command_table.hpp"

#include "model/trigger_names.hpp"
#include "pg/compat.hpp"
#include "pg/scopes.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
}

namespace softdelete::ddl {

bool is_registered(Oid relation) {
    return OidIsValid(relation) && pg::call([&] { return session::is_registered_table(relation); });
}

bool is_archived(Oid relation) {
    return pg::call([&] { return session::has_trigger(relation, model::archive_trigger); });
}

void check_owner(Oid table) {
    pg::call([&] {
        if (!pg::compat::owns_relation(table, GetUserId())) {
            aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(table));
        }
    });
}

} // namespace softdelete::ddl
