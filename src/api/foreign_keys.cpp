// SQL function that brings the triggers of a registered table's foreign keys up to date.
#include "catalog/table_info.hpp"
#include "commands/link_triggers.hpp"
#include "pg/srf.hpp"

namespace softdelete {

extern "C" {

PG_FUNCTION_INFO_V1(softdelete_link_foreign_keys);
PGDLLEXPORT Datum softdelete_link_foreign_keys(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::Spi spi;
        catalog::TableInfo table =
            catalog::get_registered_table(spi, pg::Arguments(fcinfo).relation(0, "relation"));
        commands::execute_links(spi, commands::plan_links(spi, {{table.relation, table.deleted_at}}));
        return Datum{0};
    });
}

} // extern "C"

} // namespace softdelete
