// Asks, for each row that a physical DELETE is about to remove, whether a hold protects it. Called by the marker
// trigger and by hooks; keeps what is known of holds and foreign keys while the statement runs. Commands ask
// holds/held_rows for many rows at once.
#include "holds/hold_check.hpp"
#include "sqltext/format.hpp"

#include "holds/held_links.hpp"
#include "holds/held_rows.hpp"
#include "pg/compat.hpp"
#include "pg/scopes.hpp"
#include "registry/hold_log.hpp"
#include "session/plan_notes.hpp"
#include "session/registered_table.hpp"
#include "session/running_statements.hpp"

extern "C" {
#include "commands/trigger.h"
#include "executor/execdesc.h"
#include "utils/lsyscache.h"
#include "utils/palloc.h"
}

#include <memory>

namespace softdelete::holds {

class HoldCheck {
public:
    HoldCheck() : links(graph) {}

    HoldGraph graph;
    HeldLinks links;        // refers to the graph
    bool has_links = false; // held rows may reference rows of the table by SET NULL or SET DEFAULT
};

namespace {

void forget(void *check) {
    delete static_cast<HoldCheck *>(check);
}

// The marker fires ALWAYS, unless somebody disabled it.
bool has_silent_marker(Oid relation) {
    session::RegisteredTable table;
    return session::find_registered_table(relation, &table) && !table.enabled;
}

std::optional<std::int64_t> find_hold(pg::Spi &spi, HoldCheck *check, Oid relation,
                                      const ItemPointerData *row) {
    rows::RowId id = rows::RowId{relation, *row};
    auto hold = find_hold_above(spi, check->graph, id);
    if (const QueryDesc *statement = session::enclosing_statement(); !hold && statement != nullptr) {
        // A referential action: the row above is gone by now, unless one looks as that statement does.
        pg::SnapshotScope before(statement->snapshot);
        spi.set_read_only(true);
        hold = find_hold_above(spi, check->graph, id);
        spi.set_read_only(false);
    }
    return hold;
}

// A hold on a row that would lose its link to the row.
std::optional<std::int64_t> find_linked(pg::Spi &spi, HoldCheck *check, Oid relation,
                                        const ItemPointerData *row) {
    if (!check->has_links) {
        return std::nullopt;
    }
    rows::RowSet rows;
    rows.add(rows::RowId{relation, *row});
    HoldGraph::Found found = check->links.find(spi, rows);
    return found.empty() ? std::nullopt : std::optional(found.begin()->second);
}

} // namespace

HoldCheck *begin_hold_check(Oid relation, MemoryContext context) {
    registry::lock_holds(registry::HoldLock::share);
    if (!registry::has_active_holds()) {
        return nullptr;
    }
    auto *callback =
        static_cast<MemoryContextCallback *>(MemoryContextAllocZero(context, sizeof(MemoryContextCallback)));
    auto *check = pg::entry([&]() -> HoldCheck * {
        pg::Spi spi;
        auto made = std::make_unique<HoldCheck>();
        made->has_links = made->links.leads_to_held(spi, relation);
        return made->has_links || made->graph.leads_to_hold(spi, relation) ? made.release() : nullptr;
    });
    if (check != nullptr) {
        callback->func = forget;
        callback->arg = check;
        MemoryContextRegisterResetCallback(context, callback);
    }
    return check;
}

void check_hold(HoldCheck *check, Oid relation, const ItemPointerData *row) {
    pg::entry([&] {
        pg::Spi spi;
        if (std::optional<std::int64_t> hold = find_hold(spi, check, relation, row)) {
            raise_held(catalog::get_table(spi, relation), *hold);
        }
        if (std::optional<std::int64_t> hold = find_linked(spi, check, relation, row)) {
            raise_held_link(catalog::get_table(spi, relation), *hold);
        }
    });
}

bool is_held(HoldCheck *check, Oid relation, const ItemPointerData *row) {
    return pg::entry([&] {
        pg::Spi spi;
        return find_hold(spi, check, relation, row) || find_linked(spi, check, relation, row);
    });
}

void check_no_holds(Oid relation, const char *action, bool is_removal, const char *outcome) {
    registry::lock_holds(registry::HoldLock::share);
    if (!registry::has_active_holds()) {
        return;
    }
    pg::entry([&] {
        pg::Spi spi;
        catalog::TableInfo table = catalog::get_table(spi, relation);
        std::optional<std::int64_t> hold =
            is_removal ? find_hold_at_risk(spi, table, relation) : find_hold_in(spi, table, relation);
        if (hold) {
            pg::raise(
                {.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                 .message = sqltext::format("cannot %1% table \"%2%\"%3% because rows of it are on hold",
                                            action, get_rel_name(relation), outcome),
                 .detail = sqltext::format("Hold %1% is in force.", *hold),
                 .hint = "SELECT * FROM softdelete.holds lists the holds; softdelete.release() ends one.",
                 .relation = relation});
        }
    });
}

bool has_held_rows(Oid relation) {
    registry::lock_holds(registry::HoldLock::share);
    return registry::has_active_holds() && pg::entry([&] {
               pg::Spi spi;
               return find_hold_at_risk(spi, catalog::get_table(spi, relation), relation).has_value();
           });
}

void prepare_physical_delete(const QueryDesc *query) {
    const PlannedStmt *plan = query->plannedstmt;
    uint32 notes = plan->commandType == CMD_DELETE ? session::notes_of_plan(plan) : 0;
    if ((notes & (session::note_purge | session::note_hard)) == 0) {
        return;
    }
    registry::lock_holds(registry::HoldLock::share);
    pg::compat::for_each_result_relation(plan, [](Oid relation) {
        if (has_silent_marker(relation)) {
            check_no_holds(relation, "delete from", true);
        }
    });
}

} // namespace softdelete::holds
