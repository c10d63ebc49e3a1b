// A purge worker: lives for one run in one database. What is purged and how is purge()'s matter; the worker only looks
// whether there is anything, and calls it as a client would, so that its batches commit.
#include "pg/boundary.hpp"
#include "pg/compat.hpp"
#include "pg/scopes.hpp"
#include "purge/preview_purge.hpp"
#include "settings.hpp"

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
}

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

} // namespace

extern "C" PGDLLEXPORT void softdelete_purge_worker_main(Datum argument) {
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    pqsignal(SIGTERM, die);
    BackgroundWorkerUnblockSignals();
    BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(argument), InvalidOid, 0);
    pgstat_report_appname("softdelete worker");
    pgstat_report_activity(STATE_RUNNING, "looking for rows whose retention has passed");
    if (is_due()) {
        const char *statement = psprintf("CALL softdelete.purge(delay => '%d ms')", settings::worker_delay());
        pgstat_report_activity(STATE_RUNNING, statement);
        run_statement(statement);
    }
    pgstat_report_activity(STATE_IDLE, nullptr);
}

} // namespace softdelete::worker
