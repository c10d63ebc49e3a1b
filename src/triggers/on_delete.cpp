// The marker trigger. That it exists registers the table; what it does is the safety net: a physical DELETE passes only
// where the planner hook let it, and row by row where retention or liveness is to be checked. Beside it, the guards of
// whole statements: against TRUNCATE, and against an UPDATE that was planned without the hook. In a session that did not
// load the library the first of them to fire loads it, refuses its own statement, and the next ones are planned rightly.
// Plain server code.
#include "catalog/half_registered.hpp"
#include "deletion/refuse_truncate.hpp"
#include "deletion/settle_rows.hpp"
#include "erasure/remove_rows.hpp"
#include "holds/hold_check.hpp"
#include "model/trigger_names.hpp"
#include "pg/server.hpp"
#include "purge/log_hand_purge.hpp"
#include "registry/registry_scan.hpp"
#include "registry/retention.hpp"
#include "session/distributed_tables.hpp"
#include "session/plan_notes.hpp"
#include "session/registered_table.hpp"
#include "session/running_statements.hpp"
#include "settings.hpp"
#include "triggers/applied_removal.hpp"
#include "triggers/deletion_time.hpp"
#include "triggers/trigger_call.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "replication/logicalworker.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
}

#include <initializer_list>

namespace softdelete {

namespace {

constexpr triggers::TriggerShape marker = {
    .function = "on_delete",
    .name = model::marker_trigger,
    .types = {TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_ROW | TRIGGER_TYPE_DELETE,
              // where it settles rows as well (deletion/settle_rows.hpp)
              TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_ROW | TRIGGER_TYPE_DELETE | TRIGGER_TYPE_UPDATE},
    .arguments = 3,
    .described = "BEFORE DELETE FOR EACH ROW",
};

constexpr triggers::TriggerShape update_guard = {
    .function = "on_update",
    .name = model::update_trigger,
    .types = {TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_UPDATE},
    .described = "BEFORE UPDATE FOR EACH STATEMENT",
};

constexpr triggers::TriggerShape truncate_guard = {
    .function = "on_truncate",
    .name = model::truncate_trigger,
    .types = {TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_TRUNCATE},
    .described = "BEFORE TRUNCATE FOR EACH STATEMENT",
};

[[noreturn]] void refuse_unplanned(Relation relation, const char *message, const char *detail) {
    ereport(
        ERROR,
        (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
         errmsg(message, RelationGetRelationName(relation)), errdetail("%s", detail),
         errhint("The library is loaded now: run the transaction again. For the sessions to come, add "
                 "softdelete to shared_preload_libraries or session_preload_libraries, and see that no role "
                 "has a session_preload_libraries of its own without it."),
         errtable(relation)));
    pg_unreachable();
}

// Does the UPDATE do more than queries on a table that is not filtered may do?
bool needs_library(const TriggerData *data, const session::RegisteredTable &table) {
    if (table.visibility != session::TableVisibility::view) {
        return true;
    }
    for (AttrNumber column : {table.deleted_at, table.deleted_by, table.deletion_id}) {
        if (column != InvalidAttrNumber
            && bms_is_member(column - FirstLowInvalidHeapAttributeNumber, data->tg_updatedcols)) {
            return true;
        }
    }
    return false;
}

// What is read once per statement and partition.
struct Guards {
    bool is_registered;
    registry::Cutoff cutoff;
    holds::HoldCheck *holds; // null where no hold concerns the table
    triggers::DeletionTime time;
    bool is_told; // that rows were passed over
};

Guards *get_guards(FunctionCallInfo call, Relation table) {
    deletion::MarkerMemory *memory = deletion::get_marker_memory(call);
    if (memory->guards == nullptr) {
        Oid relation = RelationGetRelid(table);
        auto *guards = static_cast<Guards *>(MemoryContextAllocZero(call->flinfo->fn_mcxt, sizeof(Guards)));
        registry::lock_retention(relation, registry::RetentionLock::share);
        guards->is_registered = registry::is_registered_or_member(relation);
        guards->cutoff = registry::get_cutoff(relation);
        guards->holds = holds::begin_hold_check(relation, call->flinfo->fn_mcxt);
        memory->guards = guards;
    }
    return static_cast<Guards *>(memory->guards);
}

// Is the row one of those that a command of ours has checked and is removing?
bool is_being_removed(const TriggerData *data, uint32 notes) {
    return (notes & (session::note_removal | session::note_foreign_key)) != 0
           && erasure::is_being_removed(data->tg_relation, data->tg_trigtuple);
}

void check_not_held(FunctionCallInfo call, const TriggerData *data, uint32 notes) {
    bool is_checked = (notes & session::note_holds_checked) != 0;
    holds::HoldCheck *holds = is_checked ? nullptr : get_guards(call, data->tg_relation)->holds;
    if (holds != nullptr) {
        holds::check_hold(holds, RelationGetRelid(data->tg_relation), &data->tg_trigtuple->t_self);
    }
}

// A purge that is written by hand reads times without zone as its session does. Rows that are due by that alone it passes
// over, as purge() does: the next one takes them.
void tell_passed_over(Guards *guards, Relation relation) {
    if (!guards->is_told) {
        guards->is_told = true;
        ereport(NOTICE,
                (errmsg("rows of table \"%s\" whose retention has not passed in every time zone are kept",
                        RelationGetRelationName(relation)),
                 errtable(relation)));
    }
}

// What protects the rows is not known: a dump without its registration leaves that, until register() takes the table on.
void check_registration(const Guards &guards, Relation relation) {
    if (!guards.is_registered) {
        Oid top = registry::find_topmost(RelationGetRelid(relation));
        Oid table = session::is_registered_table(top) ? top : RelationGetRelid(relation);
        const char *name =
            quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)), get_rel_name(table));
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("cannot remove rows of table \"%s\": its registration is missing",
                               RelationGetRelationName(relation)),
                        errdetail("%s", catalog::half_registered),
                        errhint("Run SELECT * FROM softdelete.register(%s), which takes on what is there.",
                                quote_literal_cstr(name)),
                        errtable(relation)));
    }
}

// Lets a row go that is deleted and whose retention has passed. False where the statement is to pass it over.
bool check_removable(FunctionCallInfo call, TriggerData *data, bool by_foreign_key) {
    Relation relation = data->tg_relation;
    Guards &guards = *get_guards(call, relation);
    check_registration(guards, relation);
    TimestampTz deleted_at = 0;
    if (!triggers::find_deletion_time(relation, &guards.time)) {
        return true;
    }
    if (!triggers::get_latest_deletion(data->tg_trigtuple, relation, guards.time, &deleted_at)) {
        ereport(ERROR, (errcode(by_foreign_key ? ERRCODE_FOREIGN_KEY_VIOLATION
                                               : ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("cannot remove a live row of registered table \"%s\"",
                               RelationGetRelationName(relation)),
                        errdetail("A foreign key's ON DELETE CASCADE would remove it physically."),
                        errhint("Delete the rows of \"%s\" first, or register the referenced table as well.",
                                RelationGetRelationName(relation)),
                        errtable(relation)));
    }
    TimestampTz latest = Max(guards.cutoff.cutoff, guards.cutoff.local_cutoff);
    if (!guards.cutoff.has_retention || deleted_at < latest) {
        return true;
    }
    if (by_foreign_key
        || triggers::get_deletion_as_read(data->tg_trigtuple, relation, guards.time) >= latest) {
        ereport(
            ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("cannot remove rows of table \"%s\" before their retention has passed",
                    RelationGetRelationName(relation)),
             errdetail(guards.time.has_zone
                           ? "A row deleted at %s is kept; rows deleted before %s may be removed."
                           : "A row deleted at %s, of an unknown time zone, is kept; rows deleted before %s "
                             "in every "
                             "time zone may be removed.",
                       triggers::describe_deletion(data->tg_trigtuple, relation, guards.time),
                       pstrdup(timestamptz_to_str(latest))),
             errhint("Restrict the DELETE to rows whose retention has passed, or shorten the retention with "
                     "softdelete.configure()."),
             errtable(relation)));
    }
    tell_passed_over(&guards, relation);
    return false;
}

} // namespace

extern "C" {

PG_FUNCTION_INFO_V1(softdelete_on_delete);

PGDLLEXPORT Datum softdelete_on_delete(PG_FUNCTION_ARGS) {
    TriggerData *data = triggers::get_trigger_data(fcinfo, marker);
    // Told to, in this execution alone (deletion/settle_rows.hpp).
    if (TRIGGER_FIRED_BY_UPDATE(data->tg_event)) {
        return PointerGetDatum(deletion::settle_row(fcinfo, data));
    }
    if (IsLogicalWorker()) {
        return PointerGetDatum(triggers::is_kept_from_apply(data->tg_relation, data->tg_trigtuple)
                                   ? nullptr
                                   : data->tg_trigtuple);
    }
    uint32 notes = session::running_statement_notes();
    if (notes == 0) {
        refuse_unplanned(data->tg_relation,
                         "cannot delete from table \"%s\" because this session did not load softdelete",
                         "The statement was planned as a physical delete. Nothing was deleted.");
    }
    if (is_being_removed(data, notes)) {
        return PointerGetDatum(data->tg_trigtuple);
    }
    bool is_hard = settings::deletion() == settings::Deletion::hard;
    if ((notes & (session::note_purge | session::note_foreign_key)) != 0 && !is_hard) {
        if (!check_removable(fcinfo, data, (notes & session::note_foreign_key) != 0)) {
            return Datum{0}; // no row
        }
    }
    if ((notes
         & (session::note_purge | session::note_foreign_key | session::note_hard | session::note_removal))
        != 0) {
        check_not_held(fcinfo, data, notes);
    }
    if ((notes & (session::note_purge | session::note_foreign_key)) != 0
        || (is_hard && (notes & session::note_hard) != 0)) {
        purge::note_purged_row(RelationGetRelid(data->tg_relation), (notes & session::note_foreign_key) != 0,
                               is_hard);
    }
    return PointerGetDatum(data->tg_trigtuple);
}

PG_FUNCTION_INFO_V1(softdelete_on_update);

PGDLLEXPORT Datum softdelete_on_update(PG_FUNCTION_ARGS) {
    TriggerData *data = triggers::get_trigger_data(fcinfo, update_guard);
    session::RegisteredTable table;
    if (session::running_statement_notes() == 0
        && session::find_registered_table(RelationGetRelid(data->tg_relation), &table)
        && needs_library(data, table)) {
        refuse_unplanned(
            data->tg_relation, "cannot update table \"%s\" because this session did not load softdelete",
            "The statement was planned without the filter on deleted rows. Nothing was updated.");
    }
    return Datum{0};
}

PG_FUNCTION_INFO_V1(softdelete_on_truncate);

PGDLLEXPORT Datum softdelete_on_truncate(PG_FUNCTION_ARGS) {
    TriggerData *data = triggers::get_trigger_data(fcinfo, truncate_guard);
    deletion::refuse_distributed_truncate(RelationGetRelid(data->tg_relation));
    if (session::is_shard(RelationGetRelid(data->tg_relation))) {
        return Datum{
            0}; // the table is not registered any more: Citus does not drop the trigger of a shard that it moved
    }
    if (settings::deletion() != settings::Deletion::hard && !IsLogicalWorker()
        && !deletion::is_before_load(RelationGetRelid(data->tg_relation))) {
        ereport(
            ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("cannot truncate registered table \"%s\"", RelationGetRelationName(data->tg_relation)),
             errhint("Use DELETE, which keeps the rows recoverable. To remove all rows physically, set "
                     "softdelete.deletion to hard."),
             errtable(data->tg_relation)));
    }
    if (IsLogicalWorker()) {
        triggers::check_applied_truncate(data->tg_relation);
    } else {
        holds::check_no_holds(RelationGetRelid(data->tg_relation), "truncate");
        if (settings::deletion() == settings::Deletion::hard) {
            purge::log_truncation(RelationGetRelid(data->tg_relation));
        }
    }
    return Datum{0};
}

} // extern "C"

} // namespace softdelete
