// The functions that planner/ puts into statements on tables of Citus: on the node that is asked, what as_deletion() names; on
// the node of a shard, what its rows get. Plain server code. As those of statement_functions they refuse calls that planner/
// did not make.
#include "catalog/foreign_key_info.hpp"
#include "deletion/actor_value.hpp"
#include "deletion/adopted_deletions.hpp"
#include "deletion/lock_deleted_rows.hpp"
#include "deletion/open_deletions.hpp"
#include "deletion/sealed_token.hpp"
#include "pg/server.hpp"
#include "planner/expressions.hpp"
#include "settings.hpp"

extern "C" {
#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"
#include "utils/timestamp.h"
}

namespace softdelete {

namespace {

void refuse_call(FunctionCallInfo call) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("permission denied for function %s", get_func_name(call->flinfo->fn_oid)),
                    errdetail("Only softdelete calls it, in statements on tables of Citus.")));
}

void check_call(FunctionCallInfo call) {
    if (!planner::is_own_call(call)) {
        refuse_call(call);
    }
}

// The table and what its deletion may take along: registered tables below it, by foreign keys that cascade.
List *find_reached_tables(Oid relation) {
    List *reached = list_make1_oid(relation);
    for (int i = 0; i < list_length(reached); i++) {
        Relation parent = RelationIdGetRelation(list_nth_oid(reached, i));
        if (!RelationIsValid(parent)) {
            continue;
        }
        ListCell *cell;
        foreach (cell, catalog::find_referencing_keys(parent)) {
            const auto *key = static_cast<const catalog::ForeignKeyInfo *>(lfirst(cell));
            if (key->on_delete == FKCONSTR_ACTION_CASCADE && session::is_registered_table(key->child)) {
                reached = list_append_unique_oid(reached, key->child);
            }
        }
        RelationClose(parent);
    }
    return reached;
}

} // namespace

extern "C" {

// Is taken out of every statement that is run.
PG_FUNCTION_INFO_V1(softdelete_as_deletion);

PGDLLEXPORT Datum softdelete_as_deletion(PG_FUNCTION_ARGS) {
    (void)fcinfo;
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("permission denied to delete rows by a plan that softdelete has not made"),
                    errdetail("The session had not loaded softdelete, or is none that Citus has begun."),
                    errhint("Add softdelete to shared_preload_libraries behind citus, on all nodes.")));
    PG_RETURN_BOOL(false);
}

PG_FUNCTION_INFO_V1(softdelete_token);

PGDLLEXPORT Datum softdelete_token(PG_FUNCTION_ARGS) {
    check_call(fcinfo);
    Oid relation = PG_GETARG_OID(0);
    deletion::Token token;
    token.id = deletion::get_distributed_deletion(find_reached_tables(relation));
    token.time = GetCurrentTransactionStartTimestamp();
    token.actor = psprintf("%c%s", settings::actor() != nullptr ? '=' : '~', deletion::get_actor());
    PG_RETURN_TEXT_P(cstring_to_text(deletion::make_token(relation, token)));
}

// The last assignment of a soft delete: it sees to the row's lock, as new_deletion_id() does.
PG_FUNCTION_INFO_V1(softdelete_adopt_deletion);

PGDLLEXPORT Datum softdelete_adopt_deletion(PG_FUNCTION_ARGS) {
    check_call(fcinfo);
    const char *sealed = text_to_cstring(PG_GETARG_TEXT_PP(1));
    const deletion::Token token = deletion::read_token(sealed);
    if (fcinfo->flinfo->fn_extra == nullptr) {
        deletion::check_token(PG_GETARG_OID(0), sealed);
        deletion::adopt_deletion(token);
        fcinfo->flinfo->fn_extra = fcinfo; // once
    }
    deletion::lock_deleted_row();
    PG_RETURN_INT64(token.id);
}

PG_FUNCTION_INFO_V1(softdelete_adopted_time);

PGDLLEXPORT Datum softdelete_adopted_time(PG_FUNCTION_ARGS) {
    check_call(fcinfo);
    PG_RETURN_TIMESTAMPTZ(deletion::read_token(text_to_cstring(PG_GETARG_TEXT_PP(0))).time);
}

PG_FUNCTION_INFO_V1(softdelete_adopted_actor);

PGDLLEXPORT Datum softdelete_adopted_actor(PG_FUNCTION_ARGS) {
    check_call(fcinfo);
    const char *actor = deletion::read_token(text_to_cstring(PG_GETARG_TEXT_PP(2))).actor;
    bool is_null = false;
    Datum value = deletion::get_actor_value(get_fn_expr_rettype(fcinfo->flinfo), PG_GETARG_INT32(1),
                                            actor + 1, actor[0] == '=', &is_null);
    if (is_null) {
        PG_RETURN_NULL();
    }
    return value;
}

PG_FUNCTION_INFO_V1(softdelete_deletion_time);

PGDLLEXPORT Datum softdelete_deletion_time(PG_FUNCTION_ARGS) {
    check_call(fcinfo);
    PG_RETURN_TIMESTAMPTZ(deletion::get_deletion_time());
}

} // extern "C"

} // namespace softdelete
