// By the keys of the rows, which history/row_lives follows.
#include "history/held_entries.hpp"

#include "history/row_lives.hpp"
#include "holds/held_rows.hpp"

namespace softdelete::history {

rows::RowSet find_held_entries(pg::Spi &spi, const catalog::TableInfo &table) {
    if (!holds::has_holds(spi)) {
        return {};
    }
    std::vector<KeyTexts> keys = read_keys(spi, table, holds::find_all_held_rows(spi, table));
    if (table.archive) {
        const rows::RowSet archived = holds::find_all_held_rows(spi, catalog::get_archive(table));
        for (KeyTexts &key : read_archived_keys(spi, table, archived)) {
            keys.push_back(std::move(key));
        }
    }
    return find_lives(table, keys);
}

} // namespace softdelete::history
