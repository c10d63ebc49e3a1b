// For tests: code that enters the boundary between C++ and the server as it must, and as it must not.
#include "pg/boundary.hpp"

#include <stdexcept>

extern "C" {
#include "utils/builtins.h"
}

using softdelete::pg::call;
using softdelete::pg::entry;
using softdelete::pg::ServerError;

extern "C" {

PG_MODULE_MAGIC;

#define SQL_FUNCTION(name)         \
    PG_FUNCTION_INFO_V1(name);     \
    PGDLLEXPORT Datum name(PG_FUNCTION_ARGS)

// An error of the server's, by an entry of its own.
SQL_FUNCTION(fail) {
    (void)fcinfo;
    return entry([]() -> Datum { softdelete::pg::raise({.sqlstate = ERRCODE_RAISE_EXCEPTION, .message = "meant"}); });
}

// As all of it does: errors of the server and of an entry below come back, and exceptions leave.
SQL_FUNCTION(call_well) {
    bool throws = PG_GETARG_BOOL(0);
    return entry([&]() -> Datum {
        for (int i = 0; i < 2; i++) {
            try {
                (void)call([&] { return i == 0 ? DirectFunctionCall1(fail, 0) : DirectFunctionCall1(int4in, CStringGetDatum("x")); });
            } catch (ServerError &) {
                (void)call([] { return palloc(1); });
            }
        }
        if (throws) {
            throw std::runtime_error("meant");
        }
        return call([] { return DirectFunctionCall1(int4in, CStringGetDatum("1")); });
    });
}

// What it throws would pass the server's frames.
SQL_FUNCTION(call_plainly) {
    (void)fcinfo;
    return call([] { return DirectFunctionCall1(int4in, CStringGetDatum("1")); });
}

// The same below a call: what the server calls back there is no C++ either.
SQL_FUNCTION(call_within) {
    (void)fcinfo;
    return entry([] { return call([] { return DirectFunctionCall1(call_plainly, 0); }); });
}

// An error that jumps over C++, of which the next entry tells.
SQL_FUNCTION(jump_over) {
    (void)fcinfo;
    return entry([]() -> Datum { ereport(ERROR, (errmsg("meant"))); });
}

// The call around it does.
SQL_FUNCTION(jump_within) {
    (void)fcinfo;
    return entry([] { return call([] { return DirectFunctionCall1(jump_over, 0); }); });
}

} // extern "C"
