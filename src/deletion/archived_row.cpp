// Hands the deletion of an archived row from the trigger that collects the row to those of histories, which fire later.
#include "deletion/archived_row.hpp"

extern "C" {
#include "access/htup_details.h"
}

namespace softdelete::deletion {

namespace {

// By its place and who deleted it: a later row there is another one.
struct ArchivedRow {
    Oid relation;
    ItemPointerData position;
    TransactionId deleter;
    int64 id;
};

ArchivedRow archived_row = {};

} // namespace

void note_archived_row(Oid relation, HeapTuple row, int64 id) noexcept {
    archived_row = {relation, row->t_self, HeapTupleHeaderGetRawXmax(row->t_data), id};
}

int64 find_archived_row(Oid relation, HeapTuple row) noexcept {
    bool is_that = archived_row.relation == relation
                   && ItemPointerEquals(&archived_row.position, &row->t_self)
                   && archived_row.deleter == HeapTupleHeaderGetRawXmax(row->t_data);
    return is_that ? archived_row.id : 0;
}

} // namespace softdelete::deletion
