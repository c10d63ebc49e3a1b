// Entries that a legal hold keeps. Called when a history is purged, and when another subject's erasure comes to them.
#pragma once

#include "catalog/table_info.hpp"
#include "rows/row_set.hpp"

namespace softdelete::history {

// Of the table's rows that a hold protects, live, marked or archived, with those under former keys.
rows::RowSet find_held_entries(pg::Spi &spi, const catalog::TableInfo &table);

} // namespace softdelete::history
