// The functions that planner/ puts into statements on registered tables: the new deletion id, the actor, the checks of
// what a statement writes. They run once per row and are plain server code. They refuse calls that planner/ did not
// make: everybody may execute them, since they run with the rights of whoever writes to the table.
#include "deletion/actor_value.hpp"
#include "deletion/deletion_time.hpp"
#include "deletion/lock_deleted_rows.hpp"
#include "deletion/open_deletions.hpp"
#include "deletion/restored_deletions.hpp"
#include "pg/server.hpp"
#include "planner/expressions.hpp"
#include "session/plan_notes.hpp"
#include "session/running_statements.hpp"

extern "C" {
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
}

namespace softdelete {

namespace {

// What assign_deleted_at() found for the row at hand; the functions for the other columns, which the planner hook puts
// after it, act on it.
enum class Transition { none, deletes, restores };
Transition transition = Transition::none;

void check_own_call(FunctionCallInfo call) {
    if (!planner::is_own_call(call)) {
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("permission denied for function %s", get_func_name(call->flinfo->fn_oid)),
                        errdetail("Only softdelete calls it, in statements on registered tables.")));
    }
}

int64 get_deletion_id(Oid relation) {
    if ((session::running_statement_notes() & session::note_soft) == 0) {
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("deletion ids are given by soft deletes only"),
                        errhint("Use DELETE, or softdelete.delete().")));
    }
    return deletion::get_current_deletion(relation);
}

// What new_actor() answered first, for the other rows of the statement.
struct KeptActor {
    Datum value;
    bool is_null;
};

KeptActor *keep_actor(FunctionCallInfo call, int32 typmod) {
    MemoryContext caller = MemoryContextSwitchTo(call->flinfo->fn_mcxt);
    auto *kept = static_cast<KeptActor *>(palloc0(sizeof(KeptActor)));
    kept->value = deletion::get_actor_value(get_fn_expr_rettype(call->flinfo), typmod, &kept->is_null);
    MemoryContextSwitchTo(caller);
    return kept;
}

} // namespace

extern "C" {

// The id of the deletion that the running statement belongs to.
PG_FUNCTION_INFO_V1(softdelete_new_deletion_id);

PGDLLEXPORT Datum softdelete_new_deletion_id(PG_FUNCTION_ARGS) {
    check_own_call(fcinfo);
    if (fcinfo->flinfo->fn_extra == nullptr) {
        int64 id = get_deletion_id(PG_GETARG_OID(0));
        auto *kept = static_cast<int64 *>(MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(int64)));
        *kept = id;
        fcinfo->flinfo->fn_extra = kept;
    }
    deletion::lock_deleted_row();
    PG_RETURN_INT64(*static_cast<const int64 *>(fcinfo->flinfo->fn_extra));
}

// The actor, as a value of the first argument's type and the second argument's typmod.
PG_FUNCTION_INFO_V1(softdelete_new_actor);

PGDLLEXPORT Datum softdelete_new_actor(PG_FUNCTION_ARGS) {
    check_own_call(fcinfo);
    if (fcinfo->flinfo->fn_extra == nullptr) {
        fcinfo->flinfo->fn_extra = keep_actor(fcinfo, PG_GETARG_INT32(1));
    }
    const auto *kept = static_cast<const KeptActor *>(fcinfo->flinfo->fn_extra);
    if (kept->is_null) {
        PG_RETURN_NULL();
    }
    return kept->value;
}

// A value that a statement assigns to deleted_at: (new value, old value, table).
PG_FUNCTION_INFO_V1(softdelete_assign_deleted_at);

PGDLLEXPORT Datum softdelete_assign_deleted_at(PG_FUNCTION_ARGS) {
    check_own_call(fcinfo);
    Oid relation = PG_GETARG_OID(2);
    Oid type = get_fn_expr_argtype(fcinfo->flinfo, 0);
    transition = Transition::none;
    if (PG_ARGISNULL(0)) {
        transition = PG_ARGISNULL(1) ? Transition::none : Transition::restores;
        PG_RETURN_NULL();
    }
    Datum value = PG_GETARG_DATUM(0);
    if (PG_ARGISNULL(1)) {
        deletion::check_time_of_deletion(value, type, relation);
        transition = Transition::deletes;
    } else if (DatumGetTimestamp(value) != DatumGetTimestamp(PG_GETARG_DATUM(1))) {
        deletion::check_may_redate(value, type, relation);
    }
    return value;
}

// deletion_id of the row that assign_deleted_at() looked at: (old value, table).
PG_FUNCTION_INFO_V1(softdelete_assign_deletion_id);

PGDLLEXPORT Datum softdelete_assign_deletion_id(PG_FUNCTION_ARGS) {
    check_own_call(fcinfo);
    if (transition == Transition::deletes) {
        int64 id = get_deletion_id(PG_GETARG_OID(1));
        deletion::lock_deleted_row();
        PG_RETURN_INT64(id);
    }
    if (PG_ARGISNULL(0)) {
        PG_RETURN_NULL();
    }
    if (transition == Transition::restores) {
        deletion::note_restored_row(PG_GETARG_INT64(0));
        PG_RETURN_NULL();
    }
    PG_RETURN_INT64(PG_GETARG_INT64(0));
}

// deletion_id of a restored row: (old value). Returns NULL.
PG_FUNCTION_INFO_V1(softdelete_note_restored);

PGDLLEXPORT Datum softdelete_note_restored(PG_FUNCTION_ARGS) {
    check_own_call(fcinfo);
    if (!PG_ARGISNULL(0)) {
        deletion::note_restored_row(PG_GETARG_INT64(0));
    }
    PG_RETURN_NULL();
}

// deleted_by of the row that assign_deleted_at() looked at: (old value, typmod).
PG_FUNCTION_INFO_V1(softdelete_assign_deleted_by);

PGDLLEXPORT Datum softdelete_assign_deleted_by(PG_FUNCTION_ARGS) {
    check_own_call(fcinfo);
    bool is_null = PG_ARGISNULL(0) || transition == Transition::restores;
    Datum value = is_null ? 0 : PG_GETARG_DATUM(0);
    if (transition == Transition::deletes) {
        value = deletion::get_actor_value(get_fn_expr_rettype(fcinfo->flinfo), PG_GETARG_INT32(1), &is_null);
    }
    if (is_null) {
        PG_RETURN_NULL();
    }
    return value;
}

// A deleted_at that an INSERT brings: (value, table).
PG_FUNCTION_INFO_V1(softdelete_check_deleted_at);

PGDLLEXPORT Datum softdelete_check_deleted_at(PG_FUNCTION_ARGS) {
    check_own_call(fcinfo);
    if (PG_ARGISNULL(0)) {
        PG_RETURN_NULL();
    }
    deletion::check_deletion_time(PG_GETARG_DATUM(0), get_fn_expr_argtype(fcinfo->flinfo, 0),
                                  PG_GETARG_OID(1));
    return PG_GETARG_DATUM(0);
}

// A deletion_id that a statement assigns: (new value, old value). Returns the old one.
PG_FUNCTION_INFO_V1(softdelete_check_deletion_id);

PGDLLEXPORT Datum softdelete_check_deletion_id(PG_FUNCTION_ARGS) {
    check_own_call(fcinfo);
    bool is_same = !PG_ARGISNULL(0) && !PG_ARGISNULL(1) && PG_GETARG_INT64(0) == PG_GETARG_INT64(1);
    if (!PG_ARGISNULL(0) && !is_same) {
        ereport(ERROR, (errcode(ERRCODE_GENERATED_ALWAYS),
                        errmsg("column \"deletion_id\" can only be written by softdelete"),
                        errhint("Leave the column out, or set it to NULL.")));
    }
    if (PG_ARGISNULL(1)) {
        PG_RETURN_NULL();
    }
    PG_RETURN_INT64(PG_GETARG_INT64(1));
}

// ON CONFLICT DO UPDATE or DO SELECT met this row: (its deleted_at, table, whether it was DO SELECT). True where it is
// live.
PG_FUNCTION_INFO_V1(softdelete_refuse_deleted);

PGDLLEXPORT Datum softdelete_refuse_deleted(PG_FUNCTION_ARGS) {
    check_own_call(fcinfo);
    if (!PG_ARGISNULL(0)) {
        const char *table = get_rel_name(PG_GETARG_OID(1));
        ereport(ERROR,
                (errcode(ERRCODE_UNIQUE_VIOLATION),
                 PG_GETARG_BOOL(2)
                     ? errmsg("ON CONFLICT DO SELECT cannot return a deleted row of table \"%s\"", table)
                     : errmsg("ON CONFLICT DO UPDATE cannot change a deleted row of table \"%s\"", table),
                 errdetail("The key of the proposed row belongs to a deleted row."),
                 errhint("Bring the row back with softdelete.restore(), or insert under another key.")));
    }
    PG_RETURN_BOOL(true);
}

// Marks a reference to a registered table as one that sees all rows; true for every row.
PG_FUNCTION_INFO_V1(softdelete_include_deleted);

PGDLLEXPORT Datum softdelete_include_deleted(PG_FUNCTION_ARGS) {
    (void)fcinfo;
    PG_RETURN_BOOL(true);
}

} // extern "C"

} // namespace softdelete
