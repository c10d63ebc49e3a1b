// Asks, for each row that a physical DELETE is about to remove, whether a hold protects it. Called by the marker
// trigger, by that of tables with an archive, and by hooks; keeps what is known of holds and foreign keys while the statement runs. Commands ask
// holds/held_rows for many rows at once.
#include "holds/hold_check.hpp"
#include "sqltext/format.hpp"

#include "catalog/foreign_key_info.hpp"
#include "holds/held_links.hpp"
#include "holds/held_rows.hpp"
#include "holds/hold_errors.hpp"
#include "holds/hold_tables.hpp"
#include "model/trigger_names.hpp"
#include "pg/compat.hpp"
#include "pg/scopes.hpp"
#include "registry/hold_log.hpp"
#include "session/plan_notes.hpp"
#include "session/registered_table.hpp"
#include "session/running_statements.hpp"
#include "settings.hpp"

extern "C" {
#include "access/htup_details.h"
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
    // Archived rows below the table may be held: no DELETE reaches these, which would find it.
    bool looks_down = false;
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

std::optional<std::int64_t> find_hold_now(pg::Spi &spi, HoldCheck *check, const rows::RowId &row) {
    return check->looks_down ? find_hold_around(spi, check->graph, row)
                             : find_hold_above(spi, check->graph, row);
}

std::optional<std::int64_t> find_hold(pg::Spi &spi, HoldCheck *check, Oid relation,
                                      const ItemPointerData *row) {
    rows::RowId id = rows::RowId{relation, *row};
    auto hold = find_hold_now(spi, check, id);
    if (const QueryDesc *statement = session::enclosing_statement(); !hold && statement != nullptr) {
        // A referential action: the row above is gone by now, unless one looks as that statement does.
        pg::SnapshotScope before(statement->snapshot);
        spi.set_read_only(true);
        hold = find_hold_now(spi, check, id);
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

void raise_if_held(pg::Spi &spi, Oid relation, std::optional<std::int64_t> hold,
                   std::optional<std::int64_t> linked) {
    if (hold) {
        raise_held(catalog::get_table(spi, relation), *hold);
    }
    if (linked) {
        raise_held_link(catalog::get_table(spi, relation), *linked);
    }
}

// The commands before which to look at a row that is gone: the statement that fires the trigger, and the DELETE of the row,
// which the server may have run later for a foreign key.
struct Removal {
    CommandId statement;
    CommandId row;
};

Removal get_removal(HeapTuple row) {
    CommandId removed = HeapTupleHeaderGetCmax(row->t_data);
    const QueryDesc *statement = session::running_statement();
    bool is_known = statement != nullptr && statement->snapshot != nullptr;
    return {is_known ? Min(removed, statement->snapshot->curcid) : removed, removed};
}

void check_before(pg::Spi &spi, HoldCheck *check, const rows::RowId &row, CommandId command) {
    pg::PastScope before(command);
    spi.set_read_only(true);
    raise_if_held(spi, row.table, find_hold_now(spi, check, row),
                  find_linked(spi, check, row.table, &row.position));
    spi.set_read_only(false);
}

// Does a DELETE on the table remove rows of no other one?
bool stands_alone(Oid table) {
    Relation relation = RelationIdGetRelation(table);
    if (!RelationIsValid(relation)) {
        return true;
    }
    bool is_alone = !relation->rd_rel->relhassubclass && catalog::find_referencing_keys(relation) == NIL;
    RelationClose(relation);
    return is_alone;
}

void lock_result_relations(const PlannedStmt *plan) {
    List *tables = NIL;
    pg::compat::for_each_result_relation(plan, [&](Oid relation) {
        tables = list_append_unique_oid(tables, registry::get_locked_table(relation));
    });
    bool are_alone = true;
    for (int i = 0; i < list_length(tables); i++) {
        are_alone = are_alone && stands_alone(list_nth_oid(tables, i));
    }
    if (are_alone) {
        registry::lock_holds_on(tables, registry::HoldAccess::remove);
        return;
    }
    pg::entry([&] {
        pg::Spi spi;
        std::vector<Oid> relations;
        for (int i = 0; i < list_length(tables); i++) {
            relations.push_back(list_nth_oid(tables, i));
        }
        lock_holds_below(spi, relations, registry::HoldAccess::remove);
    });
}

} // namespace

HoldCheck *begin_hold_check(Oid relation, MemoryContext context) {
    registry::lock_holds_on(list_make1_oid(relation), registry::HoldAccess::remove);
    if (!registry::has_active_holds()) {
        return nullptr;
    }
    auto *callback =
        static_cast<MemoryContextCallback *>(MemoryContextAllocZero(context, sizeof(MemoryContextCallback)));
    auto *check = pg::entry([&]() -> HoldCheck * {
        pg::Spi spi;
        auto made = std::make_unique<HoldCheck>();
        made->has_links = made->links.leads_to_held(spi, relation);
        made->looks_down = made->graph.is_above_archived_hold(spi, relation);
        bool is_concerned = made->has_links || made->looks_down || made->graph.leads_to_hold(spi, relation);
        return is_concerned ? made.release() : nullptr;
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
        raise_if_held(spi, relation, find_hold(spi, check, relation, row),
                      find_linked(spi, check, relation, row));
    });
}

void check_removed_row(HoldCheck *check, Oid relation, HeapTuple row) {
    Removal removal = get_removal(row);
    pg::entry([&] {
        pg::Spi spi;
        rows::RowId id = {relation, row->t_self};
        check_before(spi, check, id, removal.statement);
        if (removal.row != removal.statement) {
            check_before(spi, check, id, removal.row);
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
    lock_holds_of(relation);
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
    lock_holds_of(relation);
    return registry::has_active_holds() && pg::entry([&] {
               pg::Spi spi;
               return find_hold_at_risk(spi, catalog::get_table(spi, relation), relation).has_value();
           });
}

namespace {

// Tables with an archive have no marker, and are looked at when the rows are gone.
void prepare_hard_delete(const PlannedStmt *plan) {
    bool may_remove = plan->commandType == CMD_DELETE || plan->commandType == CMD_MERGE;
    if (may_remove && settings::deletion() == settings::Deletion::hard) {
        bool is_archived = false;
        pg::compat::for_each_result_relation(plan, [&](Oid relation) {
            is_archived = is_archived || session::has_trigger(relation, model::archive_trigger);
        });
        if (is_archived) {
            lock_result_relations(plan);
        }
    }
}

} // namespace

void prepare_physical_delete(const QueryDesc *query) {
    const PlannedStmt *plan = query->plannedstmt;
    prepare_hard_delete(plan);
    uint32 notes = plan->commandType == CMD_DELETE ? session::notes_of_plan(plan) : 0;
    if ((notes & (session::note_purge | session::note_hard)) == 0) {
        return;
    }
    lock_result_relations(plan);
    pg::compat::for_each_result_relation(plan, [](Oid relation) {
        if (has_silent_marker(relation)) {
            check_no_holds(relation, "delete from", true);
        }
    });
}

} // namespace softdelete::holds
