// Reads pg_trigger.
#include "catalog/trigger_catalog.hpp"

namespace softdelete::catalog {

std::optional<OwnTrigger> find_own_trigger(pg::Spi &spi, Oid relation, const std::string &name) {
    pg::OwnerScope owner(pg::get_extension_owner());
    auto rows = spi.query("SELECT pg_get_triggerdef(t.oid), t.tgenabled = 'A',"
                          " EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_trigger'::regclass"
                          "  AND d.objid = t.oid AND d.deptype = 'x')"
                          " FROM pg_trigger t WHERE t.tgrelid = $1::oid AND t.tgname = $2::name"
                          " AND t.tgfoid IN ('softdelete_internal.on_delete'::regproc, "
                          "'softdelete_internal.on_truncate'::regproc,"
                          " 'softdelete_internal.on_update'::regproc)",
                          {relation, name});
    if (rows.empty()) {
        return std::nullopt;
    }
    return OwnTrigger{rows.front().text(0), rows.front().boolean(1), rows.front().boolean(2)};
}

} // namespace softdelete::catalog
