// Locks come in the order in which DDL takes them: the table first, then what follows it.
#include "history/open_history.hpp"

#include "pg/boundary.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/relation.h"
#include "utils/rel.h"
}

#include <exception>

namespace softdelete::history {

OpenHistory::OpenHistory(Oid relation) {
    pg::call([&] {
        root_ = try_relation_open(get_tracked_root(relation), AccessShareLock);
        const TrackedTable *before = root_ == nullptr ? nullptr : find_tracked_table(RelationGetRelid(root_));
        history_ = before == nullptr ? nullptr : try_relation_open(before->history, AccessShareLock);
        // Once more: to wait for the lock may have brought news.
        table_ = history_ == nullptr ? nullptr : find_tracked_table(RelationGetRelid(root_));
    });
}

std::int64_t OpenHistory::get_deletion(const ReadEntry &entry) const {
    return pg::call([&] {
        bool is_null = true;
        Datum id = heap_getattr(entry.row, deletion_id + 1, RelationGetDescr(history_), &is_null);
        return is_null ? 0 : DatumGetInt64(id);
    });
}

OpenHistory::~OpenHistory() {
    if (std::uncaught_exceptions() > 0) {
        return; // the abort of the (sub)transaction closes them
    }
    if (history_ != nullptr) {
        relation_close(history_, NoLock);
    }
    if (root_ != nullptr) {
        relation_close(root_, NoLock);
    }
}

} // namespace softdelete::history
