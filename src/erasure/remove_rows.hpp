// Physical removal by the commands: of rows whatever their state, and of what foreign keys take along with them.
#pragma once

#include "rows/row_set.hpp"

extern "C" {
#include "storage/itemptr.h"
}

namespace softdelete::erasure {

// While one lives, referential actions may remove these rows of registered tables; of others, only what they may remove
// at any time: deleted rows whose retention has passed and that no hold protects. Scopes nest; the innermost counts.
class RemovalScope {
public:
    explicit RemovalScope(const rows::RowSet &rows);
    ~RemovalScope();
    RemovalScope(const RemovalScope &) = delete;
    RemovalScope &operator=(const RemovalScope &) = delete;

    // Called by the marker trigger. Raises 40001 for another row where the transaction's snapshot is too old to have
    // shown it to the command.
    static bool contains(Oid relation, const ItemPointerData *row);

private:
    const rows::RowSet &rows_;
    RemovalScope *outer_;
};

// Removes these rows of a registered table by DELETE, as its owner, with what goes with them natively. The caller has
// locked them and checked holds. Returns how many of them went.
// Errors: what the server and users' triggers raise; 23503 for keys that refuse.
std::uint64_t remove_rows(pg::Spi &spi, const catalog::TableInfo &table, const rows::RowSet &rows);

} // namespace softdelete::erasure
