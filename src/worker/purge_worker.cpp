// A purge worker: lives for one run in one database. What is purged and how is purge()'s matter; the worker only looks
// whether there is anything, and calls it as a client would, so that its batches commit. It sets the pace of the run: by its
// hours, its longest run and its rest between batches, as the settings say at each batch.
#include "pg/boundary.hpp"
#include "pg/compat.hpp"
#include "pg/scopes.hpp"
#include "purge/preview_purge.hpp"
#include "purge/purge_pace.hpp"
#include "settings.hpp"
#include "worker/worker_status.hpp"

extern "C" {
#include "access/xact.h"
#include "commands/extension.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
}

#include <chrono>

namespace softdelete::worker {

namespace {

bool is_due() {
    StartTransactionCommand();
    PushActiveSnapshot(GetTransactionSnapshot());
    bool due =
        OidIsValid(get_extension_oid("softdelete", true)) && pg::entry([] { return purge::has_due_rows(); });
    PopActiveSnapshot();
    CommitTransactionCommand();
    return due;
}

// As exec_simple_query() runs a client's statement. The server has no function for that, and SPI alone will not do: after
// the COMMIT of a procedure it takes its next snapshot from a portal (EnsurePortalSnapshotExists()), and a background worker
// has none.
void run_statement(const char *statement) {
    MemoryContext context =
        AllocSetContextCreate(TopMemoryContext, "softdelete worker", ALLOCSET_DEFAULT_SIZES);
    StartTransactionCommand();
    MemoryContextSwitchTo(context);
    // The database may set a search_path for everybody.
    int nest_level = pg::pin_session();
    RawStmt *parsed = linitial_node(RawStmt, pg_parse_query(statement)); // pinned
    PushActiveSnapshot(GetTransactionSnapshot());
    List *queries = pg_analyze_and_rewrite_fixedparams(parsed, statement, nullptr, 0, nullptr); // pinned
    List *plans = pg_plan_queries(queries, statement, CURSOR_OPT_PARALLEL_OK, nullptr);
    pg::unpin_session(nest_level);
    PopActiveSnapshot();
    Portal portal = CreatePortal("", true, true);
    portal->visible = false;
    PortalDefineQuery(portal, nullptr, statement, CMDTAG_CALL, plans, nullptr);
    PortalStart(portal, nullptr, 0, InvalidSnapshot);
    DestReceiver *receiver = CreateDestReceiver(DestNone);
    QueryCompletion completion = {};
    (void)pg::compat::run_portal(portal, FETCH_ALL, true, receiver, receiver, &completion);
    receiver->rDestroy(receiver);
    PortalDrop(portal, false);
    CommitTransactionCommand();
    MemoryContextDelete(context);
}

std::chrono::steady_clock::time_point begun;

void obey_reload() {
    if (ConfigReloadPending) {
        ConfigReloadPending = false;
        ProcessConfigFile(PGC_SIGHUP);
    }
}

bool is_over() {
    obey_reload();
    const int longest = settings::worker_max_runtime();
    bool lasts_too_long =
        longest > 0 && std::chrono::steady_clock::now() - begun >= std::chrono::seconds(longest);
    return lasts_too_long || get_working_hours(GetCurrentTimestamp()).pause != Pause::none;
}

int get_delay() {
    obey_reload();
    return settings::worker_delay();
}

constexpr purge::Pace pace = {is_over, get_delay};

void work() {
    pgstat_report_activity(STATE_RUNNING, "looking for rows whose retention has passed");
    if (is_due()) {
        const char *statement = psprintf("CALL softdelete.purge(delay => '%d ms')", settings::worker_delay());
        pgstat_report_activity(STATE_RUNNING, statement);
        run_statement(statement);
    }
    pgstat_report_activity(STATE_IDLE, nullptr);
}

} // namespace

extern "C" PGDLLEXPORT void softdelete_purge_worker_main(Datum argument) {
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    pqsignal(SIGTERM, die);
    BackgroundWorkerUnblockSignals();
    BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(argument), InvalidOid, 0);
    pgstat_report_appname("softdelete worker");
    begun = std::chrono::steady_clock::now();
    purge::set_pace(&pace);
    const Oid database = DatumGetObjectId(argument);
    tell_look(database);
    pg::entry([&] {
        try {
            pg::call([] { work(); });
        } catch (const pg::ServerError &error) {
            tell_error(database, error.sqlstate());
            throw;
        }
    });
    tell_end(database);
}

} // namespace softdelete::worker
