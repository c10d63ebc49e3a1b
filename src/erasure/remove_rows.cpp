// Removes rows physically, whatever their state, and what foreign keys take along. Called by erase() and by
// unregister(deleted_rows => 'purge'); purge() has its own way in purge/. The planner and the marker trigger know the
// statement as ours.
#include "erasure/remove_rows.hpp"

#include "pg/called_settings.hpp"
#include "rows/follow_links.hpp"
#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"
#include "session/running_statements.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "access/xact.h"
}

namespace softdelete::erasure {

namespace {

class CheckedRows : public session::RemovableRows {
public:
    explicit CheckedRows(const rows::RowSet &rows) : rows_(rows) {}

    bool contains(Oid relation, const ItemPointerData *row) const override {
        return rows_.contains(rows::RowId{relation, *row});
    }

private:
    const rows::RowSet &rows_;
};

} // namespace

bool is_being_removed(Oid relation, const ItemPointerData *row) {
    const session::OwnTraits *statement = session::acting_own_statement();
    if (statement == nullptr || statement->removable == nullptr) {
        return false;
    }
    bool is_found = pg::entry([&] { return statement->removable->contains(relation, row); });
    if (!is_found && IsolationUsesXactSnapshot()) {
        ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                        errmsg("could not serialize access due to concurrent update")));
    }
    return is_found;
}

std::uint64_t remove_rows(pg::Spi &spi, const catalog::TableInfo &table, const rows::RowSet &rows,
                          const rows::RowSet &all) {
    std::string statement =
        sqltext::format("%1% DELETE FROM %2% AS t WHERE %3% AND %4%", session::removal_text, table.name,
                        rows::see_all(table, "t"), rows::make_membership(table, "t", 1));
    CheckedRows checked(all);
    session::OwnStatement own(
        statement, {.notes = session::note_removal, .removable = &checked, .runs_as_called = true});
    pg::OwnerScope owner(table.owner);
    return spi.execute(statement, {rows.tables(), rows.positions()});
}

} // namespace softdelete::erasure
