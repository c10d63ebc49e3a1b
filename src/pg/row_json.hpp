// Rows as JSON, made by the server's own to_jsonb(). Plain server code.
#pragma once

#include "pg/server.hpp"

namespace softdelete::pg {

struct JsonColumn {
    const char *name;
    Oid type;
    int32 typmod;
    Datum value;
    bool is_null;
};

// jsonb, in the current memory context. Of columns with the same name the last one counts.
Datum make_row_json(const JsonColumn *columns, int count);

} // namespace softdelete::pg
