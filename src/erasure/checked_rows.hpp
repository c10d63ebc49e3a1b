// The rows that a removal has checked and may remove, in whatever version they are when it comes to them. Made by
// remove_rows.cpp.
#pragma once

#include "rows/row_set.hpp"
#include "session/own_statement.hpp"

#include <map>
#include <set>
#include <vector>

namespace softdelete::erasure {

// A row that the removal has changed on the way, by ON DELETE SET NULL or by a trigger, is another version of one of them: in
// the same place, or in another partition, where nothing leads to it. All rows that a command moves between the partitions of
// a table stay what they were where all of them were checked; else it is unsure which is which.
class CheckedRows : public session::RemovableRows {
public:
    // rows: locked by this transaction, which has not begun to remove them.
    explicit CheckedRows(const rows::RowSet &rows);

    session::Removable find(Oid relation, HeapTuple row) const override;

    // The tables, each the topmost one of its partitions, where a row that was moved is left.
    std::set<Oid> find_left() const;

private:
    struct Chain {
        rows::RowId row;
        bool is_unsure;
    };

    using Versions = std::map<rows::RowId, CommandId>; // by what they were written

    // How many checked rows a command has moved.
    struct Moved {
        std::size_t sure = 0;
        std::size_t unsure = 0;
    };

    using Moves = std::map<CommandId, Moved>;

    struct Halves {
        std::size_t departed = 0;
        std::vector<rows::RowId> arrived;
    };

    struct Table {
        std::vector<rows::RowId> open; // a version of each row that is not gone for good
        Moves moves;                   // that stand
        Versions versions;
        Versions unsure;
        CommandId looked_at = InvalidCommandId;
        // What the last look found: rows that are there after a move, and how many unsure ones others may account for.
        std::size_t left = 0;
        std::size_t left_unsure = 0;
        std::size_t others = 0;
    };

    Table &get_table(Oid relation) const;
    void look(Oid root, Table *table) const;
    void follow_open(Table *table, Moves *moves) const;
    void follow_arrived(Table *table, const std::vector<Chain> &chains, Moves *moves) const;
    void follow_moves(Oid root, Table *table, Moves moves) const;

    const rows::RowSet &rows_;
    CommandId began_;
    TransactionId transaction_;
    mutable std::map<Oid, Oid> roots_;
    mutable std::map<Oid, Table> tables_; // by the topmost one
};

} // namespace softdelete::erasure
