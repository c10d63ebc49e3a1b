// The SQL function check(). Unpacks the argument and leaves the work to checkup/.
#include "checkup/check.hpp"
#include "pg/srf.hpp"
#include "pg/transactions.hpp"

namespace softdelete {

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

} // extern "C"

} // namespace softdelete
