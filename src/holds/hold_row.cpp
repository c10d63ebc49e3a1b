// hold() and release().
#include "holds/hold_row.hpp"

#include "registry/hold_log.hpp"
#include "rows/named_row.hpp"

namespace softdelete::commands {

std::int64_t hold_row(Oid relation, const std::optional<std::string> &reason,
                      const std::vector<std::string> &key) {
    pg::Spi spi;
    check_reason(reason, key);
    catalog::TableInfo table = get_owned_table(spi, relation);
    pg::call([] { catalog::lock_holds(catalog::HoldLock::row_exclusive); });
    SubjectRow row = get_subject_row(spi, table, key, SubjectLock::for_key_share);
    check_reason(reason, row.key);
    return catalog::insert_hold(spi, table.relation, row.key, *reason);
}

bool release_hold(std::int64_t hold) {
    pg::Spi spi;
    std::optional<Oid> relation = catalog::find_held_relation(spi, hold);
    if (!relation) {
        return false;
    }
    get_owned_table(spi, *relation);
    return catalog::release_hold(spi, hold);
}

} // namespace softdelete::commands
