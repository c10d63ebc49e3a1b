// Foreign keys between a table that is registered with the strategy flag and one with the strategy archive.
#pragma once

#include "pg/spi.hpp"

namespace softdelete::catalog {

// Which strategy the table has, or is about to get; as_is for what the registry says. A table that gets an archive may be
// referenced by one whose deleted rows are marked, a table that gets marks may reference one with an archive.
enum class Strategy { as_is, flag, archive };

// Raises 0A000 where a table whose deleted rows are marked references one with an archive: its rows would go for good with
// those that they reference. The other way round a deletion takes the rows to the archive (deletion/cascade).
void check_mixed_links(pg::Spi &spi, Oid relation, Strategy strategy);

} // namespace softdelete::catalog
