// What this transaction has written is followed from version to version, and looked for in the table's partitions where a
// version ends by a move. A savepoint may take back what ended a version: only what lasts is not looked at again.
#include "erasure/checked_rows.hpp"

#include "pg/boundary.hpp"
#include "pg/row_versions.hpp"
#include "registry/registry_scan.hpp"

extern "C" {
#include "access/xact.h"
#include "catalog/pg_inherits.h"
}

namespace softdelete::erasure {

namespace {

using rows::RowId;
using session::Removable;

bool has_version(const std::map<RowId, CommandId> &versions, const RowId &row, CommandId written_by) {
    auto found = versions.find(row);
    return found != versions.end() && found->second == written_by;
}

// Calls take(number of the row, version) for each version of each row. Rows of one partition are read together.
template <typename Take>
void for_each_version(const std::vector<RowId> &rows, Take take) {
    std::map<Oid, std::vector<std::size_t>> numbers;
    for (std::size_t i = 0; i < rows.size(); i++) {
        numbers[rows[i].table].push_back(i);
    }
    for (const auto &[relation, places] : numbers) {
        std::vector<ItemPointerData> positions;
        for (std::size_t i : places) {
            positions.push_back(rows[i].position);
        }
        auto versions = pg::call(
            [&, table = relation] { return pg::find_versions(table, positions.data(), positions.size()); });
        for (const pg::RowVersion &version : versions) {
            take(places[version.row], version);
        }
        pg::call([&] { pg::free_found(versions); });
    }
}

} // namespace

CheckedRows::CheckedRows(const rows::RowSet &rows)
    : rows_(rows)
    , began_(GetCurrentCommandId(false))
    , transaction_(GetCurrentTransactionIdIfAny()) {
    for (const RowId &row : rows.ids()) {
        get_table(row.table).open.push_back(row);
    }
}

CheckedRows::Table &CheckedRows::get_table(Oid relation) const {
    auto [root, is_new] = roots_.try_emplace(relation, InvalidOid);
    if (is_new) {
        root->second = pg::call([&] { return registry::find_topmost(relation); });
    }
    return tables_[root->second];
}

Removable CheckedRows::find(Oid relation, HeapTuple row) const {
    RowId id = {relation, row->t_self};
    if (rows_.contains(id)) {
        return Removable::yes;
    }
    CommandId written_by = pg::call([&] { return pg::get_writing_command(row); });
    if (written_by == InvalidCommandId || written_by < began_) {
        return Removable::no;
    }
    Table &table = get_table(relation);
    if (!has_version(table.versions, id, written_by) && table.looked_at != GetCurrentCommandId(false)) {
        look(roots_.at(relation), &table);
    }
    if (has_version(table.versions, id, written_by)) {
        return Removable::yes;
    }
    return has_version(table.unsure, id, written_by) ? Removable::unsure : Removable::no;
}

std::set<Oid> CheckedRows::find_left() const {
    std::set<Oid> left;
    for (auto &[root, table] : tables_) {
        look(root, &table);
        if (table.left > 0 || table.left_unsure > table.others) {
            left.insert(root);
        }
    }
    return left;
}

void CheckedRows::look(Oid root, Table *table) const {
    table->looked_at = GetCurrentCommandId(false);
    table->left = table->left_unsure = table->others = 0;
    table->unsure.clear();
    Moves moves;
    follow_open(table, &moves);
    for (const auto &[command, moved] : table->moves) {
        moves[command].sure += moved.sure;
    }
    if (!moves.empty()) {
        follow_moves(root, table, std::move(moves));
    }
}

void CheckedRows::follow_open(Table *table, Moves *moves) const {
    std::vector<RowId> rows;
    rows.swap(table->open);
    std::vector<bool> is_kept(rows.size(), false); // an end of it may not last
    for_each_version(rows, [&](std::size_t row, const pg::RowVersion &version) {
        RowId id = {rows[row].table, version.position};
        table->versions[id] = version.written_by;
        bool lasts = version.end != pg::VersionEnd::none && version.transaction == transaction_;
        if (!lasts && !is_kept[row]) {
            is_kept[row] = true;
            table->open.push_back(id);
        }
        if (version.end == pg::VersionEnd::moved) {
            (is_kept[row] ? *moves : table->moves)[version.ended_by].sure++;
        }
    });
}

// The moves of all commands, the first one first: what has arrived may have been moved again.
void CheckedRows::follow_moves(Oid root, Table *table, Moves moves) const {
    std::map<CommandId, Halves> halves;
    List *partitions = pg::call([&] { return find_all_inheritors(root, AccessShareLock, nullptr); });
    ListCell *cell;
    foreach (cell, partitions) {
        Oid partition = lfirst_oid(cell);
        auto found = pg::call([&] { return pg::find_half_moves(partition); });
        for (const pg::HalfMove &half : found) {
            if (half.is_arrival) {
                halves[half.command].arrived.push_back({partition, half.position});
            } else {
                halves[half.command].departed++;
            }
        }
        pg::call([&] { pg::free_found(found); });
    }
    while (!moves.empty()) {
        auto [command, moved] = *moves.begin();
        moves.erase(moves.begin());
        const Halves &all = halves[command];
        bool is_unsure = moved.unsure > 0 || moved.sure < all.departed || all.arrived.size() > all.departed;
        if (is_unsure) {
            table->others += Max(all.departed, all.arrived.size()) - moved.sure - moved.unsure;
        }
        std::vector<Chain> chains;
        for (const RowId &row : all.arrived) {
            chains.push_back({row, is_unsure});
        }
        follow_arrived(table, chains, &moves);
    }
}

void CheckedRows::follow_arrived(Table *table, const std::vector<Chain> &chains, Moves *moves) const {
    std::vector<RowId> rows;
    for (const Chain &chain : chains) {
        rows.push_back(chain.row);
    }
    for_each_version(rows, [&](std::size_t row, const pg::RowVersion &version) {
        bool is_unsure = chains[row].is_unsure;
        (is_unsure ? table->unsure : table->versions)[{rows[row].table, version.position}] =
            version.written_by;
        if (version.end == pg::VersionEnd::moved) {
            Moved &moved = (*moves)[version.ended_by];
            (is_unsure ? moved.unsure : moved.sure)++;
        } else if (version.end == pg::VersionEnd::none) {
            (is_unsure ? table->left_unsure : table->left)++;
        }
    });
}

} // namespace softdelete::erasure
