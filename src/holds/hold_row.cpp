// hold() and release(): locks the row, checks the reason and writes to registry/hold_log. Called by api/holds.
#include "holds/hold_row.hpp"

#include "registry/hold_log.hpp"
#include "rows/named_row.hpp"

namespace softdelete::holds {

std::int64_t hold_row(Oid relation, const std::optional<std::string> &reason,
                      const std::vector<std::string> &key) {
    pg::Spi spi;
    rows::check_reason(reason, key);
    catalog::TableInfo table = rows::get_owned_table(spi, relation);
    pg::call([] { registry::lock_holds(registry::HoldLock::row_exclusive); });
    rows::SubjectRow row = rows::get_subject_row(spi, table, key, rows::SubjectLock::for_key_share);
    rows::check_reason(reason, row.key);
    return registry::insert_hold(spi, table.relation, row.key, *reason);
}

bool release_hold(std::int64_t hold) {
    pg::Spi spi;
    std::optional<Oid> relation = registry::find_held_relation(spi, hold);
    if (!relation) {
        return false;
    }
    rows::get_owned_table(spi, *relation);
    return registry::release_hold(spi, hold);
}

} // namespace softdelete::holds
