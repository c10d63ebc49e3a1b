// Called by history/row_lives and history/stretches.
#include "history/row_keys.hpp"

#include "history/key_text.hpp"
#include "pg/scopes.hpp"
#include "rows/follow_links.hpp"
#include "sqltext/format.hpp"

namespace softdelete::history {

using rows::RowSet;

Key::Key(const TrackedTable &table, const KeyTexts &texts) {
    pg::ExactTextScope exact;
    pg::call([&] {
        for (int i = 0; i < table.key_count; i++) {
            values[i] = read_key_value(table.key[i], texts.at(static_cast<std::size_t>(i)).c_str());
        }
    });
}

std::vector<std::string> find_key_columns(pg::Spi &spi, Oid relation) {
    std::vector<std::string> columns;
    for (const catalog::KeyColumn &column : catalog::find_primary_key(spi, relation)) {
        columns.push_back("t." + column.name);
    }
    return columns;
}

KeyTexts read_texts(const pg::Row &row, std::size_t count) {
    KeyTexts key;
    for (std::size_t i = 0; i < count; i++) {
        key.push_back(row.text(i));
    }
    return key;
}

std::vector<pg::Row> read_key_rows(pg::Spi &spi, const catalog::TableInfo &place,
                                   const std::vector<std::string> &columns, const RowSet &rows,
                                   const std::string &further) {
    std::string query = sqltext::format("/* softdelete */ SELECT %1%%2% FROM %3% AS t WHERE %4% AND %5%",
                                        sqltext::join(columns, ", "), further, place.name,
                                        rows::see_all(place, "t"), rows::make_membership(place, "t", 1));
    pg::OwnerScope owner(place.owner);
    pg::ExactTextScope texts;
    return spi.query(query, {rows.tables(), rows.positions()});
}

bool records_key(Oid relation) {
    return pg::call([&] {
        const TrackedTable *table = find_tracked_table(relation);
        bool has_all = table != nullptr && table->key_count > 0;
        for (int i = 0; has_all && i < table->key_count; i++) {
            has_all = table->key[i].number != 0;
        }
        return has_all;
    });
}

} // namespace softdelete::history
