// The SQL functions erase(), anonymize() and set_anonymizer(). Unpacks the arguments and leaves the work to erasure/.
#include "api/key_arguments.hpp"
#include "erasure/anonymize_row.hpp"
#include "erasure/erase_row.hpp"
#include "erasure/set_anonymizer.hpp"
#include "pg/called_settings.hpp"
#include "pg/srf.hpp"
#include "pg/transactions.hpp"

extern "C" {
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
}

namespace softdelete {

namespace {

using Command = std::string (*)(Oid, const std::optional<std::string> &, const std::vector<std::string> &);

// (relation, reason, VARIADIC key)
Datum run(FunctionCallInfo call, const char *function, Command command) {
    return pg::entry([&] {
        pg::CommandScope path;
        pg::refuse_if_read_only(function);
        pg::Arguments arguments(call);
        std::string entry = command(arguments.relation(0, "relation"), arguments.optional_text(1),
                                    api::get_key_arguments(call, 2));
        return pg::call([&] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(entry.c_str())); });
    });
}

} // namespace

extern "C" {

PG_FUNCTION_INFO_V1(softdelete_erase);

PGDLLEXPORT Datum softdelete_erase(PG_FUNCTION_ARGS) {
    return run(fcinfo, "softdelete.erase()", erasure::erase_row);
}

PG_FUNCTION_INFO_V1(softdelete_anonymize);

PGDLLEXPORT Datum softdelete_anonymize(PG_FUNCTION_ARGS) {
    return run(fcinfo, "softdelete.anonymize()", erasure::anonymize_row);
}

PG_FUNCTION_INFO_V1(softdelete_set_anonymizer);

PGDLLEXPORT Datum softdelete_set_anonymizer(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::CalledSettings called;
        pg::refuse_if_read_only("softdelete.set_anonymizer()");
        pg::Arguments arguments(fcinfo);
        erasure::set_anonymizer(arguments.relation(0, "relation"), arguments.text(1, "col"),
                                arguments.optional_text(2));
        return Datum(0);
    });
}

} // extern "C"

} // namespace softdelete
