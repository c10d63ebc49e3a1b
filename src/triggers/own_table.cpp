// The guard of the extension's own tables: who owns them writes them, as the library and a restore do, and nobody else,
// whatever pg_write_all_data or a GRANT says. For what they hold is run as the owners of the registered tables. And what
// sessions keep of registrations (catalog/definitions) ends with a change to them, whoever writes it. Plain server code.
#include "model/trigger_names.hpp"
#include "pg/compat.hpp"
#include "pg/server.hpp"
#include "triggers/trigger_call.hpp"

extern "C" {
#include "miscadmin.h"
#include "utils/inval.h"
}

#include <cstring>

namespace softdelete {

namespace {

constexpr triggers::TriggerShape own_table_guard = {
    .function = "on_own_table",
    .name = model::own_table_trigger,
    .types = {TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE
              | TRIGGER_TYPE_TRUNCATE},
    .described = "BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE FOR EACH STATEMENT",
};

// Does the table say how tables are registered?
bool holds_definitions(Relation own_table) {
    return strcmp(RelationGetRelationName(own_table), "registration") == 0
           || strcmp(RelationGetRelationName(own_table), "archive") == 0;
}

} // namespace

extern "C" {

PG_FUNCTION_INFO_V1(softdelete_on_own_table);

PGDLLEXPORT Datum softdelete_on_own_table(PG_FUNCTION_ARGS) {
    TriggerData *data = triggers::get_trigger_data(fcinfo, own_table_guard);
    if (!pg::compat::owns_relation(RelationGetRelid(data->tg_relation), GetUserId())) {
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("permission denied for table %s", RelationGetRelationName(data->tg_relation)),
                        errhint("softdelete alone writes its tables: call its functions as the owner of the "
                                "registered table."),
                        errtable(data->tg_relation)));
    }
    if (holds_definitions(data->tg_relation)) {
        CacheInvalidateRelcache(
            data->tg_relation); // heard when the command, and the transaction, are through
    }
    return Datum{0};
}

} // extern "C"

} // namespace softdelete
