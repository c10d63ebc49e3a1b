// The launcher: wakes at each softdelete.worker_interval and starts a purge worker in each of softdelete.worker_databases
// in which none is at work. It has no database of its own and touches nobody's table. Plain server code.
#include "pg/compat.hpp"
#include "settings.hpp"
#include "worker/worker.hpp"

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

// A database in which a worker was started; lives in TopMemoryContext.
struct Started {
    Oid database;
    BackgroundWorkerHandle *handle;
};

List *started = NIL;

NameData last_started = {}; // the database's name; empty at the beginning

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

void start(Oid database, const char *name) {
    BackgroundWorker worker =
        describe("softdelete worker", "softdelete_purge_worker_main", BGW_NEVER_RESTART);
    strlcpy(worker.bgw_name, psprintf("softdelete worker for database \"%s\"", name),
            sizeof(worker.bgw_name));
    worker.bgw_main_arg = ObjectIdGetDatum(database);
    worker.bgw_notify_pid = MyProcPid;
    MemoryContext before = MemoryContextSwitchTo(TopMemoryContext);
    BackgroundWorkerHandle *handle = nullptr;
    if (RegisterDynamicBackgroundWorker(&worker, &handle)) {
        auto *entry = static_cast<Started *>(palloc(sizeof(Started)));
        *entry = {database, handle};
        started = lappend(started, entry);
        namestrcpy(&last_started, name);
    } else {
        ereport(WARNING, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                          errmsg("no background worker is free to purge database \"%s\"", name),
                          errhint("Increase max_worker_processes.")));
    }
    MemoryContextSwitchTo(before);
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

void start_workers() {
    StartTransactionCommand();
    PushActiveSnapshot(GetTransactionSnapshot());
    List *names = NIL;
    // A list of another form was refused when it was set.
    (void)SplitIdentifierString(pstrdup(settings::worker_databases()), ',', &names);
    if (list_length(names) == 1 && strcmp(static_cast<char *>(linitial(names)), "*") == 0) {
        names = find_all_databases();
    }
    int first = find_next(names);
    for (int i = 0; i < list_length(names); i++) {
        const char *name = static_cast<char *>(list_nth(names, (first + i) % list_length(names)));
        Oid database = find_database(name);
        if (!OidIsValid(database)) {
            ereport(WARNING,
                    (errcode(ERRCODE_UNDEFINED_DATABASE), errmsg("database \"%s\" does not exist", name),
                     errhint("Take it out of softdelete.worker_databases.")));
        } else if (!is_at_work(database)) {
            start(database, name);
        }
    }
    PopActiveSnapshot();
    CommitTransactionCommand();
}

// Returns when the interval is over, whatever somebody does to the clock, or when the settings have changed.
void wait(int seconds) {
    using Clock = std::chrono::steady_clock;
    Clock::time_point next = Clock::now() + std::chrono::seconds(seconds);
    while (Clock::now() < next) {
        auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next - Clock::now());
        long rest = static_cast<long>(left.count()) + 1;
        (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, rest, PG_WAIT_EXTENSION);
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
        if (ConfigReloadPending) {
            ConfigReloadPending = false;
            ProcessConfigFile(PGC_SIGHUP);
            return;
        }
    }
}

} // namespace

extern "C" PGDLLEXPORT void softdelete_launcher_main(Datum) {
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    pqsignal(SIGTERM, die);
    BackgroundWorkerUnblockSignals();
    BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
    pgstat_report_appname("softdelete launcher");
    for (;;) {
        if (settings::worker_databases()[0] != '\0') {
            start_workers();
        }
        pgstat_report_activity(STATE_IDLE, nullptr);
        wait(settings::worker_interval());
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
