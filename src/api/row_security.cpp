// The function that our row-security policy calls for each deleted row, for tables with visibility rls. Answers whether
// the current role may see deleted rows. Plain server code.
#include "pg/compat.hpp"
#include "registry/registry_scan.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
}

namespace softdelete {

namespace {

// A role that was dropped since is nobody.
bool is_admin(Oid relation, Oid user) {
    registry::RegisteredValue roles = registry::find_registered_value(relation, "admin_roles");
    if (roles.is_null) {
        return false;
    }
    Datum *oids = nullptr;
    int count = 0;
    deconstruct_array(DatumGetArrayTypeP(roles.value), REGROLEOID, sizeof(Oid), true, TYPALIGN_INT, &oids,
                      nullptr, &count);
    for (int i = 0; i < count; i++) {
        Oid role = DatumGetObjectId(oids[i]);
        if (SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role)) && has_privs_of_role(user, role)) {
            return true;
        }
    }
    return false;
}

struct Answer {
    Oid user;
    Oid relation;
    bool sees_deleted;
};

} // namespace

extern "C" {

PG_FUNCTION_INFO_V1(softdelete_sees_deleted);

PGDLLEXPORT Datum softdelete_sees_deleted(PG_FUNCTION_ARGS) {
    Oid relation = PG_GETARG_OID(0);
    Oid user = GetUserId();
    auto *answer = static_cast<Answer *>(fcinfo->flinfo->fn_extra);
    if (answer == nullptr) {
        answer = static_cast<Answer *>(MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Answer)));
        fcinfo->flinfo->fn_extra = answer;
    }
    if (answer->user != user || answer->relation != relation) {
        *answer = {user, relation, pg::compat::owns_relation(relation, user) || is_admin(relation, user)};
    }
    PG_RETURN_BOOL(answer->sees_deleted);
}

} // extern "C"

} // namespace softdelete
