// The SQL functions hold() and release(). Unpacks the arguments and leaves the work to holds/hold_row.
#include "api/key_arguments.hpp"
#include "holds/hold_row.hpp"
#include "pg/called_settings.hpp"
#include "pg/srf.hpp"
#include "pg/transactions.hpp"

namespace softdelete {

extern "C" {

PG_FUNCTION_INFO_V1(softdelete_hold);

PGDLLEXPORT Datum softdelete_hold(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::CalledSettings called;
        pg::refuse_if_read_only("softdelete.hold()");
        pg::Arguments arguments(fcinfo);
        std::int64_t hold = holds::hold_row(arguments.relation(0, "relation"), arguments.optional_text(1),
                                            api::get_key_arguments(fcinfo, 2));
        return Int64GetDatum(hold);
    });
}

PG_FUNCTION_INFO_V1(softdelete_release);

PGDLLEXPORT Datum softdelete_release(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::refuse_if_read_only("softdelete.release()");
        if (fcinfo->args[0].isnull) {
            pg::raise({.sqlstate = ERRCODE_NULL_VALUE_NOT_ALLOWED,
                       .message = "argument \"hold_id\" must not be null",
                       .hint = "SELECT * FROM softdelete.holds lists the holds."});
        }
        return BoolGetDatum(holds::release_hold(DatumGetInt64(fcinfo->args[0].value)));
    });
}

} // extern "C"

} // namespace softdelete
