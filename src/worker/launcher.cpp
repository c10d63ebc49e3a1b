// The launcher: wakes at each softdelete.worker_interval, within softdelete.worker_window, and starts a purge worker in each of
// softdelete.worker_databases in which none is at work; where too few background workers are free, as soon as one is. It has
// no database of its own and touches nobody's table. Plain server code.
#include "pg/compat.hpp"
#include "settings.hpp"
#include "worker/worker.hpp"
#include "worker/worker_status.hpp"

#include <algorithm>
#include <chrono>

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"
#include "utils/wait_event.h"
}

namespace softdelete::worker {

namespace {

constexpr int restart_seconds = 10;

// How long it sleeps at most while it waits for a free background worker, or for its hours.
constexpr int retry_seconds = 10;
constexpr int pause_seconds = 60;

// A database in which a worker was started; lives in TopMemoryContext.
struct Started {
    Oid database;
    BackgroundWorkerHandle *handle;
};

List *started = NIL;

NameData last_started = {}; // the database's name; empty at the beginning

List *looked = NIL; // databases that have had their turn in this round

bool is_at_work(Oid database) {
    ListCell *cell;
    foreach (cell, started) {
        auto *entry = static_cast<Started *>(lfirst(cell));
        if (entry->database != database) {
            continue;
        }
        pid_t pid = 0;
        if (GetBackgroundWorkerPid(entry->handle, &pid) != BGWH_STOPPED) {
            return true;
        }
        tell_gone(database);
        started = foreach_delete_current(started, cell);
        pfree(entry->handle);
        pfree(entry);
    }
    return false;
}

// A worker of ours, of a type that pg_stat_activity shows and that is its name too.
BackgroundWorker describe(const char *type, const char *function, int restart_time) {
    BackgroundWorker worker = {};
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
    worker.bgw_restart_time = restart_time;
    strlcpy(worker.bgw_library_name, "softdelete", sizeof(worker.bgw_library_name));
    strlcpy(worker.bgw_function_name, function, sizeof(worker.bgw_function_name));
    strlcpy(worker.bgw_type, type, sizeof(worker.bgw_type));
    strlcpy(worker.bgw_name, type, sizeof(worker.bgw_name));
    return worker;
}

// False where no background worker is free.
bool start(Oid database, const char *name) {
    BackgroundWorker worker =
        describe("softdelete worker", "softdelete_purge_worker_main", BGW_NEVER_RESTART);
    strlcpy(worker.bgw_name, psprintf("softdelete worker for database \"%s\"", name),
            sizeof(worker.bgw_name));
    worker.bgw_main_arg = ObjectIdGetDatum(database);
    worker.bgw_notify_pid = MyProcPid;
    MemoryContext before = MemoryContextSwitchTo(TopMemoryContext);
    BackgroundWorkerHandle *handle = nullptr;
    tell_starting(database);
    bool is_started = RegisterDynamicBackgroundWorker(&worker, &handle);
    if (is_started) {
        auto *entry = static_cast<Started *>(palloc(sizeof(Started)));
        *entry = {database, handle};
        started = lappend(started, entry);
        namestrcpy(&last_started, name);
    } else {
        tell_waiting(database);
    }
    MemoryContextSwitchTo(before);
    return is_started;
}

// "*": every database that can be connected to and is no template.
List *find_all_databases() {
    List *names = NIL;
    Relation catalog = table_open(DatabaseRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, nullptr, 0, nullptr);
    HeapTuple row = nullptr;
    while (HeapTupleIsValid(row = systable_getnext(scan))) {
        const auto *database = reinterpret_cast<Form_pg_database>(GETSTRUCT(row));
        if (database->datallowconn && !database->datistemplate) {
            names = lappend(names, pstrdup(NameStr(database->datname)));
        }
    }
    systable_endscan(scan);
    table_close(catalog, AccessShareLock);
    return names;
}

// Without a database a process has the catalog's indexes only if another one has connected since the server started, as
// in GetDatabaseTuple() of core's postinit.c.
Oid find_database(const char *name) {
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_database_datname, BTEqualStrategyNumber, F_NAMEEQ, CStringGetDatum(name));
    Relation catalog = table_open(DatabaseRelationId, AccessShareLock);
    SysScanDesc scan =
        systable_beginscan(catalog, DatabaseNameIndexId, criticalSharedRelcachesBuilt, nullptr, 1, &key);
    HeapTuple row = systable_getnext(scan);
    Oid database =
        HeapTupleIsValid(row) ? reinterpret_cast<Form_pg_database>(GETSTRUCT(row))->oid : InvalidOid;
    systable_endscan(scan);
    table_close(catalog, AccessShareLock);
    return database;
}

// Where to begin: after the one that a worker was last started for, so that all have their turn where fewer workers are
// free than there are databases.
int find_next(const List *names) {
    ListCell *cell;
    foreach (cell, names) {
        if (strcmp(static_cast<const char *>(lfirst(cell)), NameStr(last_started)) == 0) {
            return foreach_current_index(cell) + 1;
        }
    }
    return 0;
}

List *find_named_databases() {
    List *names = NIL;
    // A list of another form was refused when it was set.
    (void)SplitIdentifierString(pstrdup(settings::worker_databases()), ',', &names);
    bool is_all = list_length(names) == 1 && strcmp(static_cast<char *>(linitial(names)), "*") == 0;
    return is_all ? find_all_databases() : names;
}

void note_looked(Oid database) {
    MemoryContext before = MemoryContextSwitchTo(TopMemoryContext);
    looked = lappend_oid(looked, database);
    MemoryContextSwitchTo(before);
}

enum class Round { begins, goes_on };

// Takes whose turn it is in this round; false where some have to wait for a free background worker.
bool start_workers(Round round) {
    if (round == Round::begins) {
        list_free(looked);
        looked = NIL;
    }
    StartTransactionCommand();
    PushActiveSnapshot(GetTransactionSnapshot());
    List *names = find_named_databases();
    List *databases = NIL;
    bool is_through = true;
    int first = find_next(names);
    for (int i = 0; i < list_length(names); i++) {
        const char *name = static_cast<char *>(list_nth(names, (first + i) % list_length(names)));
        Oid database = find_database(name);
        if (!OidIsValid(database)) {
            if (round == Round::begins) {
                ereport(WARNING,
                        (errcode(ERRCODE_UNDEFINED_DATABASE), errmsg("database \"%s\" does not exist", name),
                         errhint("Take it out of softdelete.worker_databases.")));
            }
            continue;
        }
        databases = lappend_oid(databases, database);
        if (list_member_oid(looked, database)) {
            continue;
        }
        if (is_at_work(database)) {
            note_looked(database);
        } else if (!is_through) {
            tell_waiting(database);
        } else if (start(database, name)) {
            note_looked(database);
        } else {
            is_through = false;
            if (round == Round::begins) {
                ereport(WARNING, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                                  errmsg("no background worker is free to purge database \"%s\"", name),
                                  errdetail("It is purged as soon as one is."),
                                  errhint("Increase max_worker_processes.")));
            }
        }
    }
    keep_databases(databases);
    PopActiveSnapshot();
    CommitTransactionCommand();
    return is_through;
}

void note_ended_workers() {
    List *databases = NIL;
    ListCell *cell;
    foreach (cell, started) {
        databases = lappend_oid(databases, static_cast<Started *>(lfirst(cell))->database);
    }
    foreach (cell, databases) {
        (void)is_at_work(lfirst_oid(cell));
    }
    list_free(databases);
}

// Sleeps so long, whatever somebody does to the clock, or until something happens. True where the settings have changed.
bool sleep_for(std::chrono::milliseconds time) {
    (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
                    static_cast<long>(time.count()) + 1, PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
    if (ConfigReloadPending) {
        ConfigReloadPending = false;
        ProcessConfigFile(PGC_SIGHUP);
        return true;
    }
    return false;
}

} // namespace

extern "C" PGDLLEXPORT void softdelete_launcher_main(Datum) {
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    pqsignal(SIGTERM, die);
    BackgroundWorkerUnblockSignals();
    BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
    pgstat_report_appname("softdelete launcher");
    using Clock = std::chrono::steady_clock;
    Clock::time_point next = Clock::now();
    bool is_through = true; // everybody has had his turn
    for (;;) {
        note_ended_workers();
        const bool is_named = settings::worker_databases()[0] != '\0';
        const WorkingHours hours = get_working_hours(GetCurrentTimestamp());
        const bool may_start = is_named && hours.pause == Pause::none;
        if (may_start && Clock::now() >= next) {
            next = Clock::now() + std::chrono::seconds(settings::worker_interval());
            is_through = start_workers(Round::begins);
        } else if (may_start && !is_through) {
            is_through = start_workers(Round::goes_on);
        }
        pgstat_report_activity(STATE_IDLE, nullptr);
        auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(next - Clock::now());
        if (rest.count() < 0) {
            rest = std::chrono::milliseconds::zero();
        }
        if (!is_named) {
            keep_databases(NIL);
            tell_next_look(0, Pause::none);
        } else if (hours.pause != Pause::none) {
            tell_next_look(hours.next, hours.pause);
            // The clock may have been put forward meanwhile.
            rest = std::clamp<std::chrono::milliseconds>(
                std::chrono::milliseconds((hours.next - GetCurrentTimestamp()) / 1000 + 1),
                std::chrono::milliseconds::zero(), std::chrono::seconds(pause_seconds));
        } else {
            tell_next_look(GetCurrentTimestamp() + rest.count() * 1000, Pause::none);
            rest = is_through
                       ? rest
                       : std::min<std::chrono::milliseconds>(rest, std::chrono::seconds(retry_seconds));
        }
        if (sleep_for(!is_named ? std::chrono::milliseconds(std::chrono::seconds(pause_seconds)) : rest)) {
            next = Clock::now(); // looks at once
        }
    }
}

void install_launcher() {
    if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade) {
        return;
    }
    BackgroundWorker worker = describe("softdelete launcher", "softdelete_launcher_main", restart_seconds);
    RegisterBackgroundWorker(&worker);
}

} // namespace softdelete::worker
