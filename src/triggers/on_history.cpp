// The triggers of tables with a history, and the guard of histories and archives themselves. Plain server code.
#include "history/collect_change.hpp"
#include "model/trigger_names.hpp"
#include "registry/archive_scan.hpp"
#include "session/own_statement.hpp"
#include "session/running_statements.hpp"
#include "session/utility_commands.hpp"
#include "triggers/trigger_call.hpp"

namespace softdelete {

namespace {

constexpr triggers::TriggerShape history_trigger = {
    .function = "on_history_change",
    .name = model::history_trigger,
    .types = {TRIGGER_TYPE_ROW | TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE},
    .described = "AFTER INSERT OR UPDATE OR DELETE FOR EACH ROW",
};

constexpr triggers::TriggerShape history_truncate_trigger = {
    .function = "on_history_truncate",
    .name = model::history_truncate_trigger,
    .types = {TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_TRUNCATE},
    .described = "BEFORE TRUNCATE FOR EACH STATEMENT",
};

constexpr triggers::TriggerShape kept_trigger = {
    .function = "on_kept_table",
    .name = model::kept_trigger,
    .types = {TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE
              | TRIGGER_TYPE_TRUNCATE},
    .described = "BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE FOR EACH STATEMENT",
};

} // namespace

extern "C" {

PG_FUNCTION_INFO_V1(softdelete_on_history_change);

PGDLLEXPORT Datum softdelete_on_history_change(PG_FUNCTION_ARGS) {
    const TriggerData *data = triggers::get_trigger_data(fcinfo, history_trigger);
    history::collect_change(fcinfo, data);
    return Datum{0};
}

PG_FUNCTION_INFO_V1(softdelete_on_history_truncate);

PGDLLEXPORT Datum softdelete_on_history_truncate(PG_FUNCTION_ARGS) {
    history::collect_truncated(triggers::get_trigger_data(fcinfo, history_truncate_trigger));
    return Datum{0};
}

PG_FUNCTION_INFO_V1(softdelete_on_kept_table);

PGDLLEXPORT Datum softdelete_on_kept_table(PG_FUNCTION_ARGS) {
    const TriggerData *data = triggers::get_trigger_data(fcinfo, kept_trigger);
    bool is_own = session::running_own_statement() != nullptr || session::is_own_command();
    if (!is_own && OidIsValid(registry::find_archive_of_member(RelationGetRelid(data->tg_relation)))) {
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("cannot write to archive \"%s\"", RelationGetRelationName(data->tg_relation)),
                 errdetail("softdelete moves the deleted rows of a table there."),
                 errhint("To end the archive, use softdelete.unregister()."), errtable(data->tg_relation)));
    }
    if (!is_own) {
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("cannot write to history table \"%s\"", RelationGetRelationName(data->tg_relation)),
                 errdetail("softdelete writes the history of a table when the table changes."),
                 errhint("softdelete.erase() and softdelete.anonymize() reach the history of a row, "
                         "softdelete.purge() applies its retention. To end the history, use "
                         "softdelete.untrack_history()."),
                 errtable(data->tg_relation)));
    }
    return Datum{0};
}

} // extern "C"

} // namespace softdelete
