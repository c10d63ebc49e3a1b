// Reads pg_class.
#include "catalog/view_catalog.hpp"

namespace softdelete::catalog {

std::optional<ExistingRelation> find_relation(pg::Spi &spi, Oid schema, const std::string &name) {
    auto rows = spi.query("SELECT c.oid, c.relkind, EXISTS (SELECT FROM pg_options_to_table(c.reloptions) o"
                          "  WHERE o.option_name = 'security_invoker' AND o.option_value::boolean)"
                          " FROM pg_class c WHERE c.relnamespace = $1::oid AND c.relname = $2::name",
                          {schema, name});
    if (rows.empty()) {
        return std::nullopt;
    }
    return ExistingRelation{rows.front().oid(0), rows.front().text(1).front(), rows.front().boolean(2)};
}

bool is_include_deleted(pg::Spi &spi, Oid function) {
    return spi.query("SELECT $1::oid = 'softdelete.include_deleted'::regproc", {function}).front().boolean(0);
}

} // namespace softdelete::catalog
