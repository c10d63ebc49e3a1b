// The statements' text is what the planner knows them by (planner/statement.hpp).
#include "erasure/remove_rows.hpp"

#include "pg/scopes.hpp"
#include "rows/follow_links.hpp"
#include "session/plan_notes.hpp"

extern "C" {
#include "access/xact.h"
}

#include <boost/format.hpp>

namespace softdelete::commands {

namespace {

RemovalScope *innermost = nullptr;

} // namespace

RemovalScope::RemovalScope(const RowSet &rows) : rows_(rows), outer_(innermost) {
    innermost = this;
}

RemovalScope::~RemovalScope() {
    innermost = outer_;
}

bool RemovalScope::contains(Oid relation, const ItemPointerData *row) {
    if (innermost == nullptr) {
        return false;
    }
    bool is_found = pg::entry([&] { return innermost->rows_.contains(make_row_id(relation, row)); });
    if (!is_found && IsolationUsesXactSnapshot()) {
        ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                        errmsg("could not serialize access due to concurrent update")));
    }
    return is_found;
}

std::uint64_t remove_rows(pg::Spi &spi, const catalog::TableInfo &table, const RowSet &rows) {
    std::string statement =
        (boost::format("%1% DELETE FROM %2% AS t WHERE %3% AND %4%") % planner::removal_text % table.name
         % see_all(table, "t") % make_membership(table, "t", 1))
            .str();
    planner::RemovalStatementScope removal(statement);
    pg::OwnerScope owner(table.owner);
    return spi.execute(statement, {rows.tables(), rows.positions()});
}

} // namespace softdelete::commands
