// Goes by the names that the error carries. Whether the row in the way is deleted, the error does not tell: its values are
// there as text only.
#include "deletion/explain_duplicate.hpp"

#include "session/registered_table.hpp"
#include "session/running_statements.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_index.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

#include <cstring>

namespace softdelete::deletion {

namespace {

bool covers_all_rows(Oid index) {
    HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
    if (!HeapTupleIsValid(tuple)) {
        return false;
    }
    bool is_whole = heap_attisnull(tuple, Anum_pg_index_indpred, nullptr);
    ReleaseSysCache(tuple);
    return is_whole;
}

} // namespace

bool is_duplicate_key(const ErrorData *error) {
    return error->elevel >= ERROR && error->hint == nullptr && error->schema_name != nullptr
           && error->table_name != nullptr && error->constraint_name != nullptr
           && error->message_id != nullptr
           && strcmp(error->message_id, "duplicate key value violates unique constraint \"%s\"") == 0;
}

const char *explain_duplicate(const ErrorData *error) {
    if (session::running_own_statement() != nullptr) {
        return nullptr; // its command knows better
    }
    Oid schema = get_namespace_oid(error->schema_name, true);
    Oid table = get_relname_relid(error->table_name, schema);
    if (!OidIsValid(table) || !session::is_registered_table(table)
        || !covers_all_rows(get_relname_relid(error->constraint_name, schema))) {
        return nullptr;
    }
    return "If the key is that of a deleted row, bring that row back with softdelete.restore(), or use "
           "another "
           "key.";
}

} // namespace softdelete::deletion
