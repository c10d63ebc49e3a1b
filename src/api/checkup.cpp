// The SQL functions check() and stats(). Unpack the arguments and leave the work to checkup/.
#include "checkup/check.hpp"
#include "checkup/exact_counts.hpp"
#include "pg/srf.hpp"
#include "pg/transactions.hpp"

namespace softdelete {

namespace {

std::optional<std::string> to_text(const std::optional<std::int64_t> &number) {
    return number ? std::optional(std::to_string(*number)) : std::nullopt;
}

} // namespace

extern "C" {

PG_FUNCTION_INFO_V1(softdelete_check);

PGDLLEXPORT Datum softdelete_check(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::call([] { PreventCommandIfParallelMode("softdelete.check()"); });
        std::optional<Oid> relation =
            fcinfo->args[0].isnull ? std::nullopt : std::optional(DatumGetObjectId(fcinfo->args[0].value));
        checkup::Findings findings = checkup::check(relation);
        pg::ResultSet result(fcinfo);
        for (const checkup::Finding &finding : findings) {
            result.add({checkup::to_text(finding.severity), finding.code,
                        finding.relation ? std::optional(std::to_string(*finding.relation)) : std::nullopt,
                        finding.object, finding.message, finding.remedy});
        }
        return Datum{0};
    });
}

PG_FUNCTION_INFO_V1(softdelete_stats);

PGDLLEXPORT Datum softdelete_stats(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::call([] { PreventCommandIfParallelMode("softdelete.stats()"); });
        if (fcinfo->args[0].isnull || fcinfo->args[1].isnull) {
            pg::raise({.sqlstate = ERRCODE_NULL_VALUE_NOT_ALLOWED,
                       .message = "relation and exact must not be NULL"});
        }
        const Oid relation = DatumGetObjectId(fcinfo->args[0].value);
        const checkup::Counts counts = DatumGetBool(fcinfo->args[1].value) ? checkup::count_exactly(relation)
                                                                           : checkup::estimate(relation);
        pg::ResultSet result(fcinfo);
        result.add({to_text(counts.live_rows), to_text(counts.deleted_rows), counts.oldest_deletion});
        return Datum{0};
    });
}

} // extern "C"

} // namespace softdelete
