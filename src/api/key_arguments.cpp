// Reads the VARIADIC key of the SQL functions. A value of any type becomes text by the output function of its type, so
// that the caller's settings read it as the same value; catalog/table_info and history/show_history have the key column
// read that text, and the one that the caller has written, by pg::read_as_caller().
#include "api/key_arguments.hpp"

#include "pg/scopes.hpp"
#include "session/extension_functions.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
}

namespace softdelete::api {

namespace {

struct Arguments {
    int count;
    Datum *values;
    Oid *types;
    bool *nulls;
};

const char *to_text(Datum value, Oid type) {
    return pg::call([&] {
        if (type == UNKNOWNOID) {
            return static_cast<const char *>(DatumGetCString(value));
        }
        Oid output = InvalidOid;
        bool is_varlena = false;
        getTypeOutputInfo(type, &output, &is_varlena);
        return static_cast<const char *>(OidOutputFunctionCall(output, value));
    });
}

} // namespace

std::vector<std::string> get_key_arguments(FunctionCallInfo call, int first) {
    pg::call([] { session::check_version(); });
    Arguments arguments = pg::call([&] {
        Arguments result = {};
        result.count =
            extract_variadic_args(call, first, false, &result.values, &result.types, &result.nulls);
        return result;
    });
    if (arguments.count <= 0) {
        pg::raise({.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
                   .message = "no key is given",
                   .hint = "Give the values of the primary key in order."});
    }
    std::vector<std::string> key;
    for (int i = 0; i < arguments.count; i++) {
        if (arguments.nulls[i]) {
            pg::raise({.sqlstate = ERRCODE_NULL_VALUE_NOT_ALLOWED,
                       .message = "key value must not be null",
                       .hint = "Give the values of the primary key in order."});
        }
        std::optional<pg::ExactTextScope> exact;
        if (arguments.types[i] != CASHOID) { // which is read by lc_monetary alone
            exact.emplace();
        }
        key.emplace_back(to_text(arguments.values[i], arguments.types[i]));
    }
    return key;
}

} // namespace softdelete::api
