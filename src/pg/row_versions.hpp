// The versions that this transaction has written of rows, as they lie in a heap. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "storage/itemptr.h"
}

namespace softdelete::pg {

// The command of this transaction that has written the version; InvalidCommandId where another transaction has.
CommandId get_writing_command(HeapTuple row);

enum class VersionEnd {
    none,  // it is the row's last version, or was when another transaction ended it
    next,  // by a newer version, or by its removal
    moved, // to another partition
};

struct RowVersion {
    Size row; // which of those asked for
    ItemPointerData position;
    VersionEnd end;
    CommandId written_by;
    CommandId ended_by;        // where it has an end
    TransactionId transaction; // that ended it, this one or one of its savepoints
};

// In memory of the caller's context, until free_found().
template <typename Item>
struct Found {
    Item *items;
    Size count;

    const Item *begin() const { return items; }

    const Item *end() const { return items + count; }
};

template <typename Item>
void free_found(const Found<Item> &found) {
    if (found.items != nullptr) {
        pfree(found.items);
    }
}

// The versions at these positions, and what this transaction has written after them, the newest of each row last. The rows
// are locked or changed by this transaction. Of tables that are no heap, the versions at the positions alone.
Found<RowVersion> find_versions(Oid relation, const ItemPointerData *rows, Size count);

// What a move to another partition leaves of a row: a version that ends there, or one that follows none.
struct HalfMove {
    ItemPointerData position;
    CommandId command;
    bool is_arrival;
};

// All halves that this transaction has written to the table. A row that it has inserted looks like an arrival. Reads the
// whole table.
Found<HalfMove> find_half_moves(Oid relation);

} // namespace softdelete::pg
