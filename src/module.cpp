// The library's entry: what it installs, in order. Read this first.
#include "catalog/foreign_key_info.hpp"
#include "deletion/cascade.hpp"
#include "history/tracked_table.hpp"
#include "hooks/hooks.hpp"
#include "pg/definition_changes.hpp"
#include "pg/server.hpp"
#include "registry/deletion_log.hpp"
#include "registry/ended_registrations.hpp"
#include "session/extension_functions.hpp"
#include "session/own_statement.hpp"
#include "session/registered_table.hpp"
#include "settings.hpp"
#include "worker/worker.hpp"
#include "worker/worker_status.hpp"

extern "C" {
#include "utils/plancache.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void _PG_init(void) {
    softdelete::settings::install();
    softdelete::session::install_extension_functions();
    softdelete::session::install_own_statements();
    softdelete::session::install_registered_tables();
    softdelete::pg::install_definition_changes();
    softdelete::catalog::install_foreign_keys();
    softdelete::registry::install_deletion_log();
    softdelete::registry::install_ended_registrations();
    softdelete::deletion::install_cascade();
    softdelete::history::install_tracked_tables();
    softdelete::hooks::install_parse_hook();
    softdelete::hooks::install_planner_hook();
    softdelete::hooks::install_relation_info_hook();
    softdelete::hooks::install_executor_hook();
    softdelete::hooks::install_utility_hook();
    softdelete::hooks::install_function_hook();
    softdelete::hooks::install_transaction_callbacks();
    softdelete::hooks::keep_error_hints();
    softdelete::worker::install_worker_status();
    softdelete::worker::install_launcher();
    // Plans made before a mid-session load know nothing of us.
    ResetPlanCache();
}
}
