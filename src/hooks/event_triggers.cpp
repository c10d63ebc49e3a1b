// The event triggers: database state, so that they fire in every session, and load the library where that has not
// happened. While a dump is being restored they refuse nothing and add nothing, because the dump brings everything
// itself and pg_restore --clean drops it; pg_restore and dumps set row_security to off.
#include "archive/follow_archived.hpp"
#include "ddl/check_new_links.hpp"
#include "ddl/clear_copied_marks.hpp"
#include "ddl/command_table.hpp"
#include "ddl/follow_anonymizers.hpp"
#include "ddl/follow_archive.hpp"
#include "ddl/follow_foreign_keys.hpp"
#include "ddl/follow_history.hpp"
#include "ddl/follow_indexes.hpp"
#include "ddl/follow_inheritance.hpp"
#include "ddl/follow_names.hpp"
#include "ddl/follow_policies.hpp"
#include "ddl/follow_triggers.hpp"
#include "ddl/follow_views.hpp"
#include "ddl/forget_dropped.hpp"
#include "ddl/is_concerned.hpp"
#include "ddl/keep_held_keys.hpp"
#include "ddl/keep_held_rows.hpp"
#include "ddl/leave_extension.hpp"
#include "ddl/lock_target.hpp"
#include "ddl/note_row_checks.hpp"
#include "ddl/refuse_ddl.hpp"
#include "ddl/refuse_drop.hpp"
#include "ddl/refuse_index_drop.hpp"
#include "ddl/refuse_own_change.hpp"
#include "ddl/refuse_rules.hpp"
#include "ddl/refuse_trigger_change.hpp"
#include "ddl/refuse_view_change.hpp"
#include "ddl/renamed_object.hpp"
#include "ddl/warn_delete_triggers.hpp"
#include "ddl/widen_key_indexes.hpp"
#include "deletion/open_deletions.hpp"
#include "history/follow_drop.hpp"
#include "history/follow_table.hpp"
#include "pg/boundary.hpp"
#include "pg/called_settings.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "registration/run_steps.hpp"
#include "registry/deletion_ids.hpp"
#include "registry/registry_scan.hpp"
#include "session/extension_functions.hpp"
#include "session/row_checks.hpp"
#include "session/utility_commands.hpp"
#include "utility/refuse_distributed.hpp"

extern "C" {
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/rls.h"
}

#include <cstring>

namespace softdelete {

namespace {

// Event triggers on other events may call with no statement at all.
const EventTriggerData *get_event(FunctionCallInfo call, const char *function, const char *event) {
    if (!CALLED_AS_EVENT_TRIGGER(call)) {
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("function \"%s\" was not called by event trigger manager", function)));
    }
    const auto *data = reinterpret_cast<const EventTriggerData *>(call->context);
    if (strcmp(data->event, event) != 0 || data->parsetree == nullptr) {
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("function \"%s\" is for event triggers on %s", function, event)));
    }
    return data;
}

// The scripts of an upgrade run between two versions.
void check_version() {
    if (!creating_extension) {
        session::check_version();
    }
}

// Rows that a subscription brings carry the ids of the database that deleted them. One that ends says so once more: it may
// have been made while event triggers were off.
bool is_about_subscription(const Node *statement) {
    return IsA(statement, CreateSubscriptionStmt) || IsA(statement, AlterSubscriptionStmt)
           || IsA(statement, DropSubscriptionStmt);
}

void separate_deletion_ids(const Node *statement) {
    pg::Spi spi;
    registry::separate_deletion_ids(spi, IsA(statement, CreateSubscriptionStmt) ? registry::IdRange::another
                                                                                : registry::IdRange::own);
}

// Databases that have the extension and do not use it pay next to nothing. The first is the usual one to have rows.
bool knows_registered() {
    return registry::has_rows("registration") || archive::has_archives();
}

bool knows_tables() {
    return knows_registered() || registry::has_rows("hold");
}

void forget_deletions(const ddl::GoneDeletions &gone) {
    for (std::int64_t id : gone) {
        deletion::forget_deletion(id);
    }
}

void follow_drop(const ddl::DropConcern &concern) {
    pg::CalledSettings called;
    if (concern.holds) {
        ddl::refuse_loss_of_held_rows();
    }
    if (concern.registry || concern.keys) {
        forget_deletions(ddl::forget_dropped());
    }
    if (row_security && concern.parts) {
        ddl::refuse_loss();
        ddl::follow_dropped_triggers();
    }
    if (row_security && concern.policies) {
        ddl::follow_dropped_policies();
    }
}

// Rules for anonymization name functions, types and other things of any kind.
void follow_rules(const ddl::DdlCommand &command, void (*follow)(const ddl::DdlCommand &)) {
    if (ddl::has_rules()) {
        pg::entry([&] {
            pg::CalledSettings called;
            follow(command);
        });
    }
}

// Before a command, for one of the tables that it changes.
void prepare_archived(const ddl::DdlCommand &command) {
    ddl::refuse_archive_change(command);
    pg::entry([&] {
        pg::CalledSettings called;
        ddl::refuse_archived_view_change(command);
        ddl::prepare_archive(command);
        ddl::prepare_archived_views(command);
    });
}

void prepare(ddl::DdlCommand command) {
    if (!ddl::concerns_before(command) || !knows_registered()) {
        return;
    }
    check_version();
    ddl::refuse_alteration(command);
    ddl::refuse_policy_change(command);
    ddl::refuse_drop_of_copied(command);
    ddl::note_row_checks(command);
    pg::entry([&] {
        pg::CalledSettings called;
        ddl::follow_names(&command);
        ddl::refuse_view_move(command);
        ddl::refuse_view_drop(command);
        ddl::refuse_index_drop(command);
        ddl::prepare_members(command);
        ddl::prepare_views(command);
        ddl::prepare_indexes(command);
    });
}

// After a command, for one of the tables that it has made or changed.
void finish(const ddl::DdlCommand &command) {
    const Node *statement = command.node;
    if (!ddl::concerns_after(command) || !knows_registered()) {
        return;
    }
    check_version();
    pg::entry([&] {
        pg::CalledSettings called;
        ddl::finish_names(command);
    });
    ddl::refuse_repack(command);
    pg::entry([&] { ddl::refuse_rule(command); });
    pg::entry([&] { ddl::warn_of_delete_trigger(command); });
    pg::entry([&] {
        pg::CalledSettings called;
        ddl::follow_changing_trigger(command);
    });
    if (IsA(statement, RuleStmt) || IsA(statement, CreateTrigStmt)) {
        return;
    }
    pg::entry([&] {
        pg::CalledSettings called;
        ddl::finish_indexes();
        ddl::note_whole_index(command);
        ddl::finish_views(command);
        ddl::refuse_view_change(command);
        ddl::finish_members(command);
    });
    Oid relation = ddl::find_table_to_link(command);
    if (OidIsValid(relation)) {
        pg::entry([&] {
            pg::CalledSettings called;
            ddl::link_table(relation);
            ddl::check_new_links(command);
            ddl::widen_key_indexes(command);
            ddl::tell_of_children(command);
        });
    }
    pg::entry([&] {
        pg::CalledSettings called;
        ddl::follow_policies(command);
    });
}

// After a command: what it has made or changed.
void follow_end(Node *statement) {
    const ddl::DdlCommand command = ddl::read_command(statement);
    ListCell *cell;
    utility::refuse_link_to_distributed(command);
    // Also before the registry has come: a restore of data alone enables the triggers of each table when it has it.
    if (ddl::enables_triggers(command)) {
        pg::entry([&] { ddl::enable_own_triggers(command); });
    }
    if (history::has_histories() && (row_security || ddl::changes_columns(command))) {
        check_version();
        pg::entry([&] { ddl::follow_history(command); });
    }
    if (row_security && archive::has_archives()) {
        check_version();
        foreach (cell, ddl::find_changed_tables(command)) {
            pg::entry([&] {
                const ddl::DdlCommand part = {command.node, lfirst_oid(cell)};
                ddl::refuse_archived_view_replacement(part);
                ddl::refuse_rule(part);
                ddl::follow_archive(part);
                pg::CalledSettings called;
                ddl::finish_archived_views(part, archive::bring_views_in_step);
            });
        }
    }
    if (!row_security) {
        return;
    }
    ddl::refuse_kept_partition(command);
    ddl::clear_copied_marks(command);
    foreach (cell, ddl::find_changed_tables(command)) {
        finish({command.node, lfirst_oid(cell)});
    }
    follow_rules(command, ddl::finish_anonymizers);
}

} // namespace

extern "C" {

PG_FUNCTION_INFO_V1(softdelete_on_ddl_command_start);

PGDLLEXPORT Datum softdelete_on_ddl_command_start(PG_FUNCTION_ARGS) {
    const EventTriggerData *event = get_event(fcinfo, "on_ddl_command_start", "ddl_command_start");
    if (is_about_subscription(event->parsetree)) {
        pg::entry([&] { separate_deletion_ids(event->parsetree); });
        return 0;
    }
    ddl::Reach reach = ddl::get_reach(event->parsetree);
    if (reach == ddl::Reach::nothing || session::is_own_command() || utility::is_of_shard(event->parsetree)) {
        return 0;
    }
    ddl::DdlCommand command = ddl::read_command(event->parsetree);
    if (reach >= ddl::Reach::held_rows || ddl::renames(command.node)) {
        ddl::lock_target(&command); // before anything is asked of it
    }
    ListCell *cell;
    // Also while a dump is being restored: its statements pass, those of others that only look like it do not.
    ddl::refuse_trigger_change(command);
    bool has_histories = history::has_histories();
    if (row_security && has_histories) {
        ddl::refuse_history_change(command);
    }
    if (row_security && archive::has_archives()) {
        foreach (cell, ddl::find_changed_tables(command)) {
            prepare_archived({command.node, lfirst_oid(cell)});
        }
    }
    utility::refuse_distributed_change(command);
    if (row_security) {
        ddl::refuse_own_change(command);
        ddl::refuse_kept_change(command);
        ddl::refuse_attachment(command);
    }
    follow_rules(command, ddl::prepare_anonymizers);
    bool has_holds = reach >= ddl::Reach::held_rows && registry::has_rows("hold");
    if (reach == ddl::Reach::own_objects || (!row_security && !has_holds && !has_histories)) {
        return 0;
    }
    if (has_holds) {
        ddl::keep_held_rows(command);
    }
    if (has_histories) { // no dump takes values of a column away
        pg::entry([&] { ddl::record_altered_rows(command); });
    }
    if (!row_security || reach < ddl::Reach::tables) {
        return 0;
    }
    foreach (cell, ddl::find_changed_tables(command)) {
        prepare({command.node, lfirst_oid(cell)});
    }
    return 0;
}

PG_FUNCTION_INFO_V1(softdelete_on_ddl_command_end);

PGDLLEXPORT Datum softdelete_on_ddl_command_end(PG_FUNCTION_ARGS) {
    const EventTriggerData *event = get_event(fcinfo, "on_ddl_command_end", "ddl_command_end");
    session::end_row_checks();
    if (session::is_own_command() || utility::follow_other_node(event->parsetree)) {
        return 0;
    }
    if (ddl::concerns_rules_alone(event->tag)) {
        follow_rules(ddl::read_command(event->parsetree), ddl::finish_anonymizers);
        return 0;
    }
    if (!IsA(event->parsetree, CreateSchemaStmt)) {
        follow_end(event->parsetree);
        return 0;
    }
    // What is created along with a schema has no event of its own.
    ListCell *cell;
    foreach (cell, castNode(CreateSchemaStmt, event->parsetree)->schemaElts) {
        if (IsA(lfirst(cell), CreateStmt)) {
            follow_end(static_cast<Node *>(lfirst(cell)));
        }
    }
    return 0;
}

PG_FUNCTION_INFO_V1(softdelete_on_drop_extension);

PGDLLEXPORT Datum softdelete_on_drop_extension(PG_FUNCTION_ARGS) {
    const EventTriggerData *event = get_event(fcinfo, "on_drop_extension", "ddl_command_start");
    // To others the command itself says that they may not.
    if (ddl::drops_softdelete(event->parsetree)
        && has_privs_of_role(GetUserId(), pg::find_extension_owner())) {
        pg::entry([] {
            ddl::lock_tables_to_leave();
            ddl::leave_policies();
            ddl::leave_views();
        });
    }
    return 0;
}

PG_FUNCTION_INFO_V1(softdelete_on_sql_drop);

PGDLLEXPORT Datum softdelete_on_sql_drop(PG_FUNCTION_ARGS) {
    const EventTriggerData *event = get_event(fcinfo, "on_sql_drop", "sql_drop");
    if (session::is_own_command()) {
        return 0;
    }
    if (ddl::has_rules()) {
        pg::entry([&] {
            pg::CalledSettings called;
            ddl::refuse_loss_of_rules(event->parsetree);
        });
    }
    if (!ddl::has_dropped_parts()) {
        return 0;
    }
    if (registry::has_rows("hold")) {
        ddl::keep_held_keys();
    }
    bool are_tracked_gone = false;
    if (!IsA(event->parsetree, AlterTableStmt) && history::has_histories()) {
        are_tracked_gone = pg::entry([] { return history::follow_drop(); });
    }
    if (!IsA(event->parsetree, AlterTableStmt) && archive::has_archives()) {
        pg::entry([] {
            if (archive::follow_dropped()) {
                forget_deletions(ddl::forget_rest_of_dropped());
            }
        });
    }
    if (ddl::may_drop_own(ddl::read_command(event->parsetree)) && knows_tables()) {
        ddl::DropConcern concern = ddl::get_drop_concern();
        if (concern.holds || concern.registry || concern.keys || concern.parts || concern.policies) {
            pg::entry([&] { follow_drop(concern); });
        }
    }
    if (are_tracked_gone) { // rows of them may have been erased
        pg::entry([] { forget_deletions(ddl::forget_rest_of_dropped()); });
    }
    return 0;
}

} // extern "C"

} // namespace softdelete
