// Removes rows physically, whatever their state, and what foreign keys take along. Called by erase() and by
// unregister(deleted_rows => 'purge'); purge() has its own way in purge/. The planner and the marker trigger know the
// statement as ours.
#include "erasure/remove_rows.hpp"

#include "pg/called_settings.hpp"
#include "pg/physical_rows.hpp"
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

// A row that the removal has changed on the way, by ON DELETE SET NULL or by a trigger, is another version of one of them.
class CheckedRows : public session::RemovableRows {
public:
    explicit CheckedRows(const rows::RowSet &rows) : rows_(rows) {}

    bool contains(Oid relation, const ItemPointerData *row) const override {
        rows::RowId id = {relation, *row};
        return rows_.contains(id) || find_versions(relation).contains(id);
    }

private:
    struct Versions {
        CommandId command; // which found them
        rows::RowSet rows;
    };

    // Only a command changes them.
    const rows::RowSet &find_versions(Oid relation) const {
        CommandId command = GetCurrentCommandId(false);
        auto [place, is_new] = versions_.try_emplace(relation, Versions{command, {}});
        if (!is_new && place->second.command == command) {
            return place->second.rows;
        }
        std::vector<ItemPointerData> positions;
        auto first = rows_.ids().lower_bound({relation, {}});
        for (auto id = first; id != rows_.ids().end() && id->table == relation; ++id) {
            positions.push_back(id->position);
        }
        if (!positions.empty()) {
            pg::call([&] { pg::follow_versions(relation, positions.data(), positions.size()); });
        }
        place->second = {command, {}};
        for (const ItemPointerData &position : positions) {
            place->second.rows.add({relation, position});
        }
        return place->second.rows;
    }

    const rows::RowSet &rows_;
    mutable std::map<Oid, Versions> versions_;
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

bool is_removed_on_the_way(Oid relation, const ItemPointerData *row) {
    const session::RemovableRows *removable = session::find_removable_rows();
    return removable != nullptr && pg::entry([&] { return removable->contains(relation, row); });
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
