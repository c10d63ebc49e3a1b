// undo() of rows in tables of Citus.
#pragma once

#include "catalog/table_info.hpp"
#include "deletion/restored_deletions.hpp"
#include "pg/spi.hpp"

#include <cstdint>
#include <vector>

namespace softdelete::restore {

// One UPDATE per table, parents before children, as the caller. Which parents are deleted the triggers of the shards see.
deletion::RestoredRows undo_on_shards(pg::Spi &spi, std::vector<catalog::TableInfo> tables,
                                      std::int64_t deletion);

} // namespace softdelete::restore
