// The rows of a function that returns a set and takes no argument, such as those that tell event triggers what a command did.
// Called as the executor does, without a query around it: planning one costs more than most commands do. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "nodes/execnodes.h"
#include "utils/tuplestore.h"
}

namespace softdelete::pg {

template <typename Take>
void for_each_row(Oid function_id, Take take) {
    LOCAL_FCINFO(call, 0);
    FmgrInfo function;
    ReturnSetInfo result = {};
    ExprContext *context = CreateStandaloneExprContext();
    fmgr_info(function_id, &function);
    InitFunctionCallInfoData(*call, &function, 0, InvalidOid, nullptr, reinterpret_cast<Node *>(&result));
    result.type = T_ReturnSetInfo;
    result.econtext = context;
    result.allowedModes = SFRM_Materialize;
    result.returnMode = SFRM_ValuePerCall;
    (void)FunctionCallInvoke(call);

    TupleTableSlot *slot = MakeSingleTupleTableSlot(result.setDesc, &TTSOpsMinimalTuple);
    while (tuplestore_gettupleslot(result.setResult, true, false, slot)) {
        take(slot);
    }
    ExecDropSingleTupleTableSlot(slot);
    tuplestore_end(result.setResult);
    FreeExprContext(context, true);
}

} // namespace softdelete::pg
