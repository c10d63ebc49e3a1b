// Defines the settings. Check and assign hooks run outside of transactions too: they flip a flag or drop plans.
#include "settings.hpp"

#include "model/daily_window.hpp"
#include "pg/compat.hpp"

#include <climits>

extern "C" {
#include "pgtime.h"
#include "utils/guc.h"
#include "utils/plancache.h"
#include "utils/varlena.h"
}

namespace softdelete::settings {

namespace {

const config_enum_entry visibility_options[] = {
    {"active", static_cast<int>(Visibility::active), false},
    {"deleted", static_cast<int>(Visibility::deleted), false},
    {"all", static_cast<int>(Visibility::all), false},
    {nullptr, 0, false},
};

const config_enum_entry deletion_options[] = {
    {"soft", static_cast<int>(Deletion::soft), false},
    {"hard", static_cast<int>(Deletion::hard), false},
    {nullptr, 0, false},
};

char *actor_value = nullptr;
int deletion_value = static_cast<int>(Deletion::soft);
int log_retention_value = -1;
bool purge_progress_value = false;
char *node_secret_value = nullptr;
char *reason_value = nullptr;
int worker_delay_value = 0;
int worker_interval_value = 0;
char *worker_window_value = nullptr;
int worker_max_runtime_value = 0;
int worker_recovery_delay_value = 0;
int purge_log_retention_value = -1;
char *worker_databases_value = nullptr;
int visibility_value = static_cast<int>(Visibility::active);

int initial_depth = 0;
int *visibility_depth = &initial_depth; // belongs to the value in force
int current_definer_depth = 0;
bool installed = false;

// The depth travels with the value: when a function's or a transaction's setting ends, both come back together.
bool check_visibility(int *, void **extra, GucSource) {
    int *depth = static_cast<int *>(pg::compat::allocate_setting_extra(sizeof(int)));
    if (depth == nullptr) {
        return false;
    }
    *depth = current_definer_depth;
    *extra = depth;
    return true;
}

void assign_visibility(int value, void *extra) {
    int *depth = extra == nullptr ? &initial_depth : static_cast<int *>(extra);
    if (installed && (value != visibility_value || *depth != *visibility_depth)) {
        ResetPlanCache();
    }
    visibility_depth = depth;
}

void assign_deletion(int value, void *) {
    if (installed && value != deletion_value) {
        ResetPlanCache();
    }
}

// A list of identifiers.
bool check_worker_databases(char **value, void **, GucSource) {
    List *names = NIL;
    char *copy = pstrdup(*value);
    bool is_list = SplitIdentifierString(copy, ',', &names);
    if (!is_list) {
        GUC_check_errdetail("List syntax is invalid.");
        GUC_check_errhint(
            "Separate the names by commas; put names with upper-case letters in double quotes.");
    }
    list_free(names);
    pfree(copy);
    return is_list;
}

// Hours, and a time zone that the server knows.
bool check_worker_window(char **value, void **, GucSource) {
    model::DailyWindow window;
    if ((*value)[0] == '\0') {
        return true;
    }
    if (!model::parse_window(*value, &window)) {
        GUC_check_errhint("Write two different times of the day, such as 01:00-05:00.");
        return false;
    }
    if (window.zone[0] != '\0' && pg_tzset(window.zone) == nullptr) {
        GUC_check_errdetail("Time zone \"%s\" is not known.", window.zone);
        GUC_check_errhint("Take a name from pg_timezone_names, or leave it out.");
        return false;
    }
    return true;
}

bool check_node_secret(char **value, void **, GucSource) {
    if ((*value)[0] == '\0' || strlen(*value) >= 16) {
        return true;
    }
    GUC_check_errdetail("It is shorter than 16 characters.");
    return false;
}

const char *text_or_null(const char *text) {
    return text == nullptr || text[0] == '\0' ? nullptr : text;
}

} // namespace

Visibility visibility() {
    return static_cast<Visibility>(visibility_value);
}

int visibility_definer_depth() {
    return *visibility_depth;
}

Deletion deletion() {
    return static_cast<Deletion>(deletion_value);
}

const char *actor() {
    return text_or_null(actor_value);
}

const char *node_secret() {
    return text_or_null(node_secret_value);
}

int log_retention() {
    return log_retention_value;
}

bool purge_progress() {
    return purge_progress_value;
}

const char *worker_databases() {
    return worker_databases_value;
}

bool names_worker_database(const char *database) {
    List *names = NIL;
    (void)SplitIdentifierString(pstrdup(worker_databases_value), ',', &names);
    if (list_length(names) == 1 && strcmp(static_cast<const char *>(linitial(names)), "*") == 0) {
        return true;
    }
    ListCell *cell;
    foreach (cell, names) {
        if (strcmp(static_cast<const char *>(lfirst(cell)), database) == 0) {
            return true;
        }
    }
    return false;
}

int worker_delay() {
    return worker_delay_value;
}

int worker_interval() {
    return worker_interval_value;
}

const char *worker_window() {
    return worker_window_value;
}

int worker_max_runtime() {
    return worker_max_runtime_value;
}

int worker_recovery_delay() {
    return worker_recovery_delay_value;
}

int purge_log_retention() {
    return purge_log_retention_value;
}

const char *reason() {
    return text_or_null(reason_value);
}

int definer_depth() {
    return current_definer_depth;
}

void set_definer_depth(int depth) {
    current_definer_depth = depth;
    // A setting that a function made for the rest of the transaction is its caller's from now on.
    *visibility_depth = Min(*visibility_depth, depth);
}

void note_visibility_belongs_to_function() {
    *visibility_depth = current_definer_depth;
}

void install() {
    // Who deletes: goes to deleted_by, cast to that column's type, and to the deletion. Empty: the role in force.
    DefineCustomStringVariable(
        "softdelete.actor", "Sets who is recorded as the one who deletes.",
        "Cast to the type of the table's deleted_by column. Empty means the current role, as "
        "SET ROLE or the login gave it, where that column is text or name, and NULL otherwise.",
        &actor_value, "", PGC_USERSET, 0, nullptr, nullptr, nullptr);
    // What DELETE on a registered table does. hard is for superusers and for roles that have GRANT SET on it.
    DefineCustomEnumVariable("softdelete.deletion", "Sets what DELETE does to rows of registered tables.",
                             "soft marks the rows as deleted; hard removes them physically.", &deletion_value,
                             static_cast<int>(Deletion::soft), deletion_options, PGC_SUSET, 0, nullptr,
                             assign_deletion, nullptr);
    // How long the deletion log keeps what no row refers to any more. purge() of all tables removes it.
    DefineCustomIntVariable("softdelete.log_retention",
                            "Sets how long the log keeps deletions whose rows are all restored or gone.",
                            "purge() removes older entries. -1 keeps them for ever.", &log_retention_value,
                            -1, -1, INT_MAX, PGC_SUSET, GUC_UNIT_MIN, nullptr, nullptr, nullptr);
    // How long the log of purges keeps its lines; the last one of each table stays. purge() of all tables removes them.
    DefineCustomIntVariable(
        "softdelete.purge_log_retention", "Sets how long the log keeps runs of purge().",
        "purge() removes older lines, but for the last of each table. -1 keeps them for ever.",
        &purge_log_retention_value, 366 * 24 * 60, -1, INT_MAX, PGC_SUSET, GUC_UNIT_MIN, nullptr, nullptr,
        nullptr);
    // What the nodes of Citus know each other's deletions by. One text on all of them; nobody else may read it.
    DefineCustomStringVariable(
        "softdelete.node_secret", "Sets the secret by which nodes of Citus know each other's deletions.",
        "The same on all nodes, and at least 16 characters.", &node_secret_value, "", PGC_SIGHUP,
        GUC_SUPERUSER_ONLY | GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE, check_node_secret, nullptr, nullptr);
    // A NOTICE after each batch of purge().
    DefineCustomBoolVariable("softdelete.purge_progress",
                             "Tells the client of each batch that purge() removed.", nullptr,
                             &purge_progress_value, false, PGC_USERSET, 0, nullptr, nullptr, nullptr);
    // Why: goes to the deletion.
    DefineCustomStringVariable("softdelete.reason", "Sets the reason that is recorded with a deletion.",
                               nullptr, &reason_value, "", PGC_USERSET, 0, nullptr, nullptr, nullptr);
    // Which rows of registered tables queries see.
    DefineCustomEnumVariable("softdelete.visibility", "Sets which rows of registered tables queries see.",
                             "active shows live rows, deleted shows deleted rows, all shows both.",
                             &visibility_value, static_cast<int>(Visibility::active), visibility_options,
                             PGC_USERSET, 0, check_visibility, assign_visibility, nullptr);
    // Where the background worker purges. Empty: nowhere; * : in every database.
    DefineCustomStringVariable("softdelete.worker_databases",
                               "Sets the databases in which the background worker purges what is due.",
                               "A list of names, or * for all databases; empty for none.",
                               &worker_databases_value, "", PGC_SIGHUP, GUC_LIST_INPUT,
                               check_worker_databases, nullptr, nullptr);
    // How long it rests between batches, so that others hardly notice it.
    DefineCustomIntVariable(
        "softdelete.worker_delay", "Sets how long the background worker waits between two batches.", nullptr,
        &worker_delay_value, 500, 0, INT_MAX, PGC_SIGHUP, GUC_UNIT_MS, nullptr, nullptr, nullptr);
    // How often it looks.
    DefineCustomIntVariable("softdelete.worker_interval",
                            "Sets the time between two looks of the background worker for rows that are due.",
                            nullptr, &worker_interval_value, 3600, 1, INT_MAX / 1000, PGC_SIGHUP, GUC_UNIT_S,
                            nullptr, nullptr, nullptr);
    // The longest run in one database; what is left then waits for the next look.
    DefineCustomIntVariable("softdelete.worker_max_runtime",
                            "Sets how long a run of the background worker in one database may last.",
                            "0 sets no limit.", &worker_max_runtime_value, 0, 0, INT_MAX / 1000, PGC_SIGHUP,
                            GUC_UNIT_S, nullptr, nullptr, nullptr);
    // Time to look at a server that was restored before anything is purged there.
    DefineCustomIntVariable(
        "softdelete.worker_recovery_delay",
        "Sets how long the background worker waits after a promotion or the recovery of a backup.", nullptr,
        &worker_recovery_delay_value, 86400, 0, INT_MAX / 1000, PGC_SIGHUP, GUC_UNIT_S, nullptr, nullptr,
        nullptr);
    // When it works, such as '01:00-05:00' or '22:00-04:00 Europe/Berlin'. Empty: at any time.
    DefineCustomStringVariable(
        "softdelete.worker_window", "Sets the hours of the day in which the background worker works.",
        "In the time zone that stands behind them, or in that of log_timezone.", &worker_window_value, "",
        PGC_SIGHUP, 0, check_worker_window, nullptr, nullptr);
    MarkGUCPrefixReserved("softdelete");
    installed = true;
}

} // namespace softdelete::settings
