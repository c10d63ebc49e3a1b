// Called by erasure/erase_row, erasure/key_holders and history/overwrite_entries.
#include "history/recorded_references.hpp"

#include <algorithm>

extern "C" {
#include "access/xact.h"
}

namespace softdelete::history {

bool has_columns(pg::Spi &spi, Oid relation, const std::vector<std::string> &names) {
    return std::all_of(names.begin(), names.end(), [&](const std::string &name) {
        return !spi.query("SELECT FROM pg_catalog.pg_attribute WHERE attrelid = $1::pg_catalog.oid AND "
                          "pg_catalog.quote_ident(attname) = $2 AND NOT attisdropped",
                          {relation, name})
                    .empty();
    });
}

SubjectKeys read_subject(pg::Spi &spi, const catalog::TableInfo &table, const rows::RowSet &rows) {
    return {table, {}, read_keys(spi, table, rows), pg::call([] { return GetCurrentCommandId(false); })};
}

} // namespace softdelete::history
