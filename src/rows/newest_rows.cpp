// Follows the chains of versions, table by table.
#include "rows/newest_rows.hpp"

#include "pg/physical_rows.hpp"

namespace softdelete::rows {

RowSet follow_updates(const RowSet &rows) {
    RowSet newest;
    for (const RowId &row : follow_updates(std::vector<RowId>(rows.ids().begin(), rows.ids().end()))) {
        newest.add(row);
    }
    return newest;
}

std::vector<RowId> follow_updates(const std::vector<RowId> &rows) {
    std::map<Oid, std::vector<std::size_t>> numbers;
    for (std::size_t i = 0; i < rows.size(); i++) {
        numbers[rows[i].table].push_back(i);
    }
    std::vector<RowId> newest = rows;
    for (const auto &[relation, places] : numbers) {
        std::vector<ItemPointerData> positions;
        for (std::size_t i : places) {
            positions.push_back(rows[i].position);
        }
        pg::call([&, table = relation] { pg::follow_updates(table, positions.data(), positions.size()); });
        for (std::size_t i = 0; i < places.size(); i++) {
            newest[places[i]].position = positions[i];
        }
    }
    return newest;
}

} // namespace softdelete::rows
