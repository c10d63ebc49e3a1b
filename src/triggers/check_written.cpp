// The last look at rows of a registered table that BEFORE triggers of users may have changed on the way: neither the check that
// the planner hook puts into an INSERT nor that of COPY sees what these write. It is an AFTER trigger, which sees the row as it
// is, whichever command has written it and whichever partition took it. What an UPDATE writes is settled before
// (deletion/settle_rows), but for partitions that INSERT ... ON CONFLICT finds on its way. An apply worker brings rows as
// another database has them. Plain server code.
#include "deletion/deletion_time.hpp"
#include "deletion/open_deletions.hpp"
#include "deletion/settle_rows.hpp"
#include "model/trigger_names.hpp"
#include "session/registered_table.hpp"
#include "session/running_statements.hpp"
#include "session/session_visibility.hpp"
#include "session/utility_commands.hpp"
#include "triggers/trigger_call.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/partition.h"
#include "nodes/execnodes.h"
#include "replication/logicalworker.h"
#include "utils/rel.h"
}

namespace softdelete {

namespace {

constexpr triggers::TriggerShape written_check = {
    .function = "check_written",
    .name = model::written_check,
    .types = {TRIGGER_TYPE_ROW | TRIGGER_TYPE_INSERT,
              TRIGGER_TYPE_ROW | TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE},
    .described = "AFTER INSERT FOR EACH ROW",
};

bool is_dump_being_loaded(Relation relation) {
    if (!session::session_view().is_unfiltered) {
        return false;
    }
    Oid table = RelationGetRelid(relation);
    return session::may_load(relation->rd_rel->relispartition ? llast_oid(get_partition_ancestors(table))
                                                              : table);
}

bool is_among(List *targets, Oid relation) {
    ListCell *cell;
    foreach (cell, targets) {
        if (RelationGetRelid(lfirst_node(ResultRelInfo, cell)->ri_RelationDesc) == relation) {
            return true;
        }
    }
    return false;
}

// Was the row written by a statement that nothing is known of? By a referential action, which is over and moves rows as they
// are, or before the library was loaded.
bool is_of_unknown_statement(Oid relation, HeapTuple row) {
    if (session::is_writing_command()) {
        return false;
    }
    const QueryDesc *query = session::running_statement();
    return query == nullptr || HeapTupleHeaderGetCmin(row->t_data) != query->estate->es_output_cid
           || (!is_among(query->estate->es_opened_result_relations, relation)
               && !is_among(query->estate->es_tuple_routing_result_relations, relation));
}

bool inserts(const Plan *plan) {
    if (plan == nullptr || !IsA(plan, ModifyTable)) {
        return false;
    }
    const auto *modify = castNode(ModifyTable, const_cast<Plan *>(plan));
    ListCell *cell;
    foreach (cell, modify->mergeActionLists) {
        ListCell *inner;
        foreach (inner, lfirst_node(List, cell)) {
            if (lfirst_node(MergeAction, inner)->commandType == CMD_INSERT) {
                return true;
            }
        }
    }
    return modify->operation == CMD_INSERT;
}

// Is a row that arrives in a partition one that comes from another?
bool only_moves_rows() {
    const QueryDesc *query = session::is_writing_command() ? nullptr : session::running_statement();
    bool found = query == nullptr || inserts(query->plannedstmt->planTree);
    ListCell *cell;
    foreach (cell, query == nullptr ? NIL : query->plannedstmt->subplans) {
        found = found || inserts(static_cast<const Plan *>(lfirst(cell)));
    }
    return !found;
}

[[noreturn]] void refuse_deletion(Relation relation) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("a row cannot be deleted while it moves to partition \"%s\"",
                           RelationGetRelationName(relation)),
                    errdetail("A BEFORE INSERT trigger of the partition has written its deletion time."),
                    errhint("Let a BEFORE UPDATE trigger write it."), errtable(relation)));
    pg_unreachable();
}

[[noreturn]] void refuse(Relation relation) {
    ereport(ERROR,
            (errcode(ERRCODE_GENERATED_ALWAYS),
             errmsg("column \"deletion_id\" can only be written by softdelete"),
             errdetail("A BEFORE trigger of table \"%s\" has written it.", RelationGetRelationName(relation)),
             errhint("Let the trigger leave the column alone, or set it to NULL."), errtable(relation)));
    pg_unreachable();
}

// What the three columns say of a row.
struct Marks {
    bool is_deleted;
    Datum deleted_at;
    int64 deletion; // 0 for none
};

Marks read(HeapTuple row, const session::RegisteredTable &table, TupleDesc columns) {
    Marks marks = {};
    bool is_null = true;
    marks.deleted_at = heap_getattr(row, table.deleted_at, columns, &is_null);
    marks.is_deleted = !is_null;
    Datum id = heap_getattr(row, table.deletion_id, columns, &is_null);
    marks.deletion = is_null ? 0 : DatumGetInt64(id);
    return marks;
}

void check_inserted(const Marks &row, HeapTuple written, Relation relation, Oid type) {
    // A row that moved here is of a deletion that it had before, or that it got by the same statement.
    bool is_moved =
        row.is_deleted && !session::is_writing_command() && deletion::may_have_moved(row.deletion);
    if (!is_moved && !is_of_unknown_statement(RelationGetRelid(relation), written)) {
        if (row.deletion != 0) {
            refuse(relation);
        } else if (only_moves_rows()) {
            refuse_deletion(relation);
        }
    }
    if (row.is_deleted) {
        deletion::check_deletion_time(row.deleted_at, type, RelationGetRelid(relation));
    }
}

// Of rows that an INSERT finds by ON CONFLICT DO UPDATE: with another deletion, or of a deleted row, it refuses itself what comes
// here.
void check_updated(const Marks &row, const Marks &old, Relation relation, Oid type) {
    if (old.is_deleted || (!row.is_deleted && row.deletion != 0)
        || (row.is_deleted && !deletion::is_open_deletion(row.deletion))) {
        refuse(relation);
    }
    if (row.is_deleted) {
        deletion::check_time_of_deletion(row.deleted_at, type, RelationGetRelid(relation));
    }
}

} // namespace

extern "C" {

PG_FUNCTION_INFO_V1(softdelete_check_written);

PGDLLEXPORT Datum softdelete_check_written(PG_FUNCTION_ARGS) {
    const TriggerData *data = triggers::get_trigger_data(fcinfo, written_check);
    Relation relation = data->tg_relation;
    session::RegisteredTable table;
    if (IsLogicalWorker() || !session::find_registered_table(RelationGetRelid(relation), &table)
        || is_dump_being_loaded(relation)) {
        return Datum{0};
    }
    TupleDesc columns = RelationGetDescr(relation);
    Oid type = TupleDescAttr(columns, table.deleted_at - 1)->atttypid;
    HeapTuple written = triggers::get_new_row(data);
    Marks row = read(written, table, columns);
    HeapTuple old = triggers::get_old_row(data);
    if (old == nullptr) {
        check_inserted(row, written, relation, type);
    } else {
        check_updated(row, read(old, table, columns), relation, type);
    }
    return Datum{0};
}

} // extern "C"

} // namespace softdelete
