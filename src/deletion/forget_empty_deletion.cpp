// Its row is in the log already where the statement's triggers ran statements of their own.
#include "deletion/forget_empty_deletion.hpp"

#include "deletion/open_deletions.hpp"
#include "deletion/settle_rows.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"

extern "C" {
#include "nodes/execnodes.h"
}

namespace softdelete::deletion {

namespace {

// Has the statement written nothing, or nothing that was not settled row by row? The rows of a rule's action are not counted.
bool wrote_no_row(const QueryDesc *query) {
    bool is_counted = query->plannedstmt->canSetTag && !query->plannedstmt->hasModifyingCTE;
    return (is_counted && query->estate->es_processed == 0) || settles_all_rows(query);
}

void remove_from_log(std::int64_t deletion) {
    pg::Spi spi;
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("DELETE FROM softdelete_internal.deletion_table WHERE deletion_id OPERATOR(pg_catalog.=) "
                "$1::pg_catalog.int8",
                {deletion});
    spi.execute(
        "DELETE FROM softdelete_internal.deletion WHERE id OPERATOR(pg_catalog.=) $1::pg_catalog.int8",
        {deletion});
}

} // namespace

void forget_empty_deletion(const QueryDesc *query) {
    int64 deletion = end_of_statement(query);
    if (deletion != 0 && wrote_no_row(query) && forget_deletion(deletion)) {
        pg::entry([=] { remove_from_log(deletion); });
    }
}

} // namespace softdelete::deletion
