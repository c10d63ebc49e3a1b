// Foreign keys between a table that is registered with the strategy flag and one with the strategy archive.
#pragma once

#include "pg/spi.hpp"

namespace softdelete::catalog {

// Which strategy the table has, or is about to get; as_is for what the registry says.
enum class Strategy { as_is, flag, archive };

// Raises 0A000 where the one table, whose deleted rows are marked, references the other: they would go for good with the
// rows that they reference. The same where it is referenced with ON DELETE CASCADE: live rows would stay behind.
void check_mixed_links(pg::Spi &spi, Oid relation, Strategy strategy);

} // namespace softdelete::catalog
