// The trigger of tables that are registered with the strategy archive, and that of their archives. Plain server code.
#include "archive/collect_deleted.hpp"
#include "archive/kept_from_apply.hpp"
#include "model/trigger_names.hpp"
#include "purge/log_hand_purge.hpp"
#include "registry/archive_scan.hpp"
#include "triggers/trigger_call.hpp"

extern "C" {
#include "replication/logicalworker.h"
}

namespace softdelete {

namespace {

constexpr triggers::TriggerShape archive_trigger = {
    .function = "on_archived_delete",
    .name = model::archive_trigger,
    .types = {TRIGGER_TYPE_ROW | TRIGGER_TYPE_DELETE},
    .described = "AFTER DELETE FOR EACH ROW",
};

// Outside of apply workers it has nothing to say.
constexpr triggers::TriggerShape applied_trigger = {
    .function = "on_applied_removal",
    .name = model::applied_trigger,
    .types = {TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_ROW | TRIGGER_TYPE_DELETE},
    .described = "BEFORE DELETE FOR EACH ROW",
};

} // namespace

extern "C" {

PG_FUNCTION_INFO_V1(softdelete_on_archived_delete);

PGDLLEXPORT Datum softdelete_on_archived_delete(PG_FUNCTION_ARGS) {
    const TriggerData *data = triggers::get_trigger_data(fcinfo, archive_trigger);
    if (archive::collect_deleted(fcinfo, data)) {
        // Also of a foreign key's DELETE the statement that it follows is told: its own is over.
        purge::note_purged_row(RelationGetRelid(data->tg_relation), true, true);
    }
    return Datum{0};
}

PG_FUNCTION_INFO_V1(softdelete_on_applied_removal);

PGDLLEXPORT Datum softdelete_on_applied_removal(PG_FUNCTION_ARGS) {
    const TriggerData *data = triggers::get_trigger_data(fcinfo, applied_trigger);
    bool is_kept = IsLogicalWorker()
                   && OidIsValid(registry::find_archive_of_member(RelationGetRelid(data->tg_relation)))
                   && archive::is_kept_in_archive(data->tg_relation, data->tg_trigtuple);
    return PointerGetDatum(is_kept ? nullptr : data->tg_trigtuple);
}

} // extern "C"

} // namespace softdelete
