// Removes rows physically, whatever their state, and what foreign keys take along. Called by erase() and by
// unregister(deleted_rows => 'purge'); purge() has its own way in purge/. The planner and the marker trigger know the
// statement as ours.
#include "erasure/remove_rows.hpp"

#include "erasure/checked_rows.hpp"
#include "pg/called_settings.hpp"
#include "rows/follow_links.hpp"
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

Removed remove_rows(pg::Spi &spi, const catalog::TableInfo &table, const rows::RowSet &rows,
                    const rows::RowSet &all) {
    std::string statement =
        sqltext::format("%1% DELETE FROM %2% AS t WHERE %3% AND %4%", session::removal_text, table.name,
                        rows::see_all(table, "t"), rows::make_membership(table, "t", 1));
    CheckedRows checked(all);
    session::OwnStatement own(
        statement, {.notes = session::note_removal, .removable = &checked, .runs_as_called = true});
    pg::OwnerScope owner(table.owner);
    std::uint64_t count = spi.execute(statement, {rows.tables(), rows.positions()});
    return {count, checked.find_left()};
}

} // namespace softdelete::erasure
