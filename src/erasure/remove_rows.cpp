// Removes rows physically, whatever their state, and what foreign keys take along. Called by erase() and by
// unregister(deleted_rows => 'purge'); purge() has its own way in purge/. The planner and the marker trigger know the
// statement as ours.
#include "erasure/remove_rows.hpp"

#include "erasure/checked_rows.hpp"
#include "pg/called_settings.hpp"
#include "rows/follow_links.hpp"
#include "rows/newest_rows.hpp"
#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"
#include "session/running_statements.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "access/xact.h"
#include "utils/rel.h"
}

namespace softdelete::erasure {

namespace {

session::Removable find(const session::RemovableRows *removable, Relation relation, HeapTuple row) {
    return pg::entry([&] { return removable->find(RelationGetRelid(relation), row); });
}

// All of them are gone when keys are asked. A rule of a table's own may do more than the server lets it beside others.
void remove_step(pg::Spi &spi, const RemovalStep &step, const CheckedRows *checked) {
    std::vector<std::string> beside;
    std::string last;
    std::vector<pg::Parameter> parameters;
    for (const rows::TreeTable &part : step) {
        const rows::RowSet rows = rows::follow_updates(part.rows);
        if (!last.empty()) {
            beside.push_back(sqltext::format("\"softdelete.%1%\" AS (%2%)", beside.size(), last));
        }
        last = sqltext::format(
            "DELETE FROM %1% AS t WHERE %2% AND %3%", part.table.name, rows::see_all(part.table, "t"),
            rows::make_membership(part.table, "t", static_cast<int>(parameters.size()) + 1));
        parameters.push_back(rows.tables());
        parameters.push_back(rows.positions());
    }
    const std::string with = beside.empty() ? "" : sqltext::format("WITH %1% ", sqltext::join(beside, ", "));
    const std::string statement = sqltext::format("%1% %2%%3%", session::removal_text, with, last);
    session::OwnStatement own(statement,
                              {.notes = session::note_removal, .removable = checked, .runs_as_called = true});
    pg::OwnerScope owner(step.front().table.owner);
    spi.execute(statement, parameters);
}

} // namespace

// Of rows that a command has moved together with others, those that a referential action takes along are ours.
bool is_being_removed(Relation relation, HeapTuple row) {
    const session::OwnTraits *statement = session::acting_own_statement();
    if (statement == nullptr || statement->removable == nullptr) {
        return false;
    }
    bool is_found = find(statement->removable, relation, row) != session::Removable::no;
    if (!is_found && IsolationUsesXactSnapshot()) {
        ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                        errmsg("could not serialize access due to concurrent update")));
    }
    return is_found;
}

bool is_removed_on_the_way(Relation relation, HeapTuple row) {
    const session::RemovableRows *removable = session::find_removable_rows();
    session::Removable found = removable == nullptr ? session::Removable::no : find(removable, relation, row);
    if (found == session::Removable::unsure) {
        ereport(
            ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("cannot tell which rows of partition \"%s\" are being erased",
                    RelationGetRelationName(relation)),
             errdetail("A statement has moved rows that are being erased to other partitions together with "
                       "other rows, and a trigger deletes some of them."),
             errhint("Let the trigger leave rows in their partitions before it deletes them."),
             errtable(relation)));
    }
    return found == session::Removable::yes;
}

std::set<Oid> remove_rows(pg::Spi &spi, const std::vector<RemovalStep> &steps, const rows::RowSet &all) {
    CheckedRows checked(all);
    for (const RemovalStep &step : steps) {
        remove_step(spi, step, &checked);
    }
    return checked.find_left();
}

} // namespace softdelete::erasure
