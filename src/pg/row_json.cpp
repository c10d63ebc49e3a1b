// to_jsonb() asks for the type of its argument: it is called as a record's expression would call it.
#include "pg/row_json.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "utils/fmgroids.h"
}

namespace softdelete::pg {

namespace {

Node *make_call() {
    Const *record = makeConst(RECORDOID, -1, InvalidOid, -1, 0, true, false);
    return reinterpret_cast<Node *>(
        makeFuncExpr(F_TO_JSONB, JSONBOID, list_make1(record), InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL));
}

} // namespace

Datum make_row_json(const JsonColumn *columns, int count) {
    TupleDesc shape = CreateTemplateTupleDesc(count);
    auto *values = static_cast<Datum *>(palloc(sizeof(Datum) * static_cast<Size>(count + 1)));
    auto *nulls = static_cast<bool *>(palloc(sizeof(bool) * static_cast<Size>(count + 1)));
    for (int i = 0; i < count; i++) {
        TupleDescInitEntry(shape, static_cast<AttrNumber>(i + 1), columns[i].name, columns[i].type,
                           columns[i].typmod, 0);
        values[i] = columns[i].value;
        nulls[i] = columns[i].is_null;
    }
    shape = BlessTupleDesc(shape);
    FmgrInfo function;
    fmgr_info(F_TO_JSONB, &function);
    fmgr_info_set_expr(make_call(), &function);
    return FunctionCall1(&function, HeapTupleGetDatum(heap_form_tuple(shape, values, nulls)));
}

} // namespace softdelete::pg
