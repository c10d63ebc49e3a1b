// Links of archived rows that lead nowhere: of keys with ON DELETE SET NULL or SET DEFAULT whose referenced row was removed for
// good while the referencing one lay in its archive, where no key reaches it.
#pragma once

#include "catalog/foreign_keys.hpp"
#include "rows/row_set.hpp"

#include <vector>

namespace softdelete::restore {

// Those of the rows in the archive of key.child that have a value in each column of the key, and for which no row of key.parent,
// live, deleted or archived, is there. key.on_delete is SET NULL or SET DEFAULT.
rows::RowSet find_lost_links(pg::Spi &spi, const catalog::ForeignKey &key, const rows::RowSet &rows);

// Does to such links in the archive what the keys would have done to those of live rows, and says so by a notice. rows: which of the
// archive; the set follows them.
void end_lost_links(pg::Spi &spi, const catalog::TableInfo &table,
                    const std::vector<catalog::ForeignKey> &own, rows::RowSet *rows);

// The rows of the archive that have a value in each column of the key.
rows::RowSet find_linked(pg::Spi &spi, const catalog::TableInfo &table, const catalog::ForeignKey &key,
                         const rows::RowSet &rows);

} // namespace softdelete::restore
