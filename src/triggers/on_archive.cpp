// The trigger of tables that are registered with the strategy archive. Plain server code.
#include "archive/collect_deleted.hpp"
#include "model/trigger_names.hpp"
#include "triggers/trigger_call.hpp"

namespace softdelete {

namespace {

constexpr triggers::TriggerShape archive_trigger = {
    .function = "on_archived_delete",
    .name = model::archive_trigger,
    .types = {TRIGGER_TYPE_ROW | TRIGGER_TYPE_DELETE},
    .described = "AFTER DELETE FOR EACH ROW",
};

} // namespace

extern "C" {

PG_FUNCTION_INFO_V1(softdelete_on_archived_delete);

PGDLLEXPORT Datum softdelete_on_archived_delete(PG_FUNCTION_ARGS) {
    archive::collect_deleted(fcinfo, triggers::get_trigger_data(fcinfo, archive_trigger));
    return Datum{0};
}

} // extern "C"

} // namespace softdelete
