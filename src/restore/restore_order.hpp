// In which order rows come back where somebody's triggers see them do so: what a deletion took last comes first, so that
// the triggers see the mirror image of what they saw. Restore and undo ask for it; without such triggers nobody can tell,
// and they bring back each table's rows at once.
#pragma once

#include "catalog/table_info.hpp"
#include "rows/row_set.hpp"

#include <cstdint>
#include <vector>

namespace softdelete::restore {

// Rows of one table that come back by one statement.
struct RestorePart {
    std::size_t table; // as the caller counts its tables
    rows::RowSet rows;
};

class RestoreOrder {
public:
    explicit RestoreOrder(pg::Spi &spi) : spi_(spi) {}

    // Adds rows of a table, that of the caller's number, whose deletion touched it as the place-th.
    void add(std::size_t number, std::size_t place, const catalog::TableInfo &table,
             const rows::RowSet &rows);
    // All that the deletion has taken of the table and not given back. Locks the rows FOR UPDATE.
    void add_all(std::size_t number, std::size_t place, const catalog::TableInfo &table,
                 std::int64_t deletion);

    // What comes back by one statement after the other.
    std::vector<RestorePart> make_parts() const;

private:
    // Rows that one command has taken from one table.
    struct Taken {
        std::int64_t command;
        std::size_t place;
        std::size_t number;
        std::size_t depth; // below rows of the same table that the command has taken
        bool references_itself;
        rows::RowSet rows;
    };

    void add_found(std::size_t number, std::size_t place, const catalog::TableInfo &table,
                   const std::vector<pg::Row> &found);

    pg::Spi &spi_;
    std::vector<Taken> taken_;
};

// Does anybody's trigger or rule see rows of these tables come back?
bool is_order_seen(const std::vector<catalog::TableInfo> &tables);

} // namespace softdelete::restore
