// The statements' text is what the planner knows them by (planner/statement.hpp).
#include "erasure/remove_rows.hpp"
#include "sqltext/format.hpp"

#include "pg/scopes.hpp"
#include "rows/follow_links.hpp"
#include "session/plan_notes.hpp"

extern "C" {
#include "access/xact.h"
}

namespace softdelete::erasure {

namespace {

RemovalScope *innermost = nullptr;

} // namespace

RemovalScope::RemovalScope(const rows::RowSet &rows) : rows_(rows), outer_(innermost) {
    innermost = this;
}

RemovalScope::~RemovalScope() {
    innermost = outer_;
}

bool RemovalScope::contains(Oid relation, const ItemPointerData *row) {
    if (innermost == nullptr) {
        return false;
    }
    bool is_found = pg::entry([&] { return innermost->rows_.contains(rows::RowId{relation, *row}); });
    if (!is_found && IsolationUsesXactSnapshot()) {
        ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                        errmsg("could not serialize access due to concurrent update")));
    }
    return is_found;
}

std::uint64_t remove_rows(pg::Spi &spi, const catalog::TableInfo &table, const rows::RowSet &rows) {
    std::string statement =
        sqltext::format("%1% DELETE FROM %2% AS t WHERE %3% AND %4%", session::removal_text, table.name,
                        rows::see_all(table, "t"), rows::make_membership(table, "t", 1));
    session::RemovalStatementScope removal(statement);
    pg::OwnerScope owner(table.owner);
    return spi.execute(statement, {rows.tables(), rows.positions()});
}

} // namespace softdelete::erasure
