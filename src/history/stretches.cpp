// An entry keeps the row as it was from the entry before it on, that of an arrival as it is up to the next one: so entries are read
// with all others of their key, by its index. Called by erasure/key_holders.
#include "history/stretches.hpp"

#include "history/check_tracking.hpp"
#include "history/open_history.hpp"
#include "history/read_entries.hpp"
#include "history/row_keys.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "registry/deletion_ids.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "access/htup_details.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
}

#include <utility>
#include <vector>

namespace softdelete::history {

namespace {

using catalog::TableInfo;
using rows::RowId;
using rows::RowSet;

RowId get_place(const ReadEntry &entry) {
    return {entry.partition, entry.position};
}

Change make_change(const ReadEntry &entry) {
    return {entry.at, entry.transaction_at, entry.transaction};
}

bool ends_row(Kind kind) {
    return kind == kind_delete || kind == kind_truncate || kind == kind_purge || kind == kind_soft_delete;
}

// All entries of a key, in their order.
class KeyEntries {
public:
    KeyEntries(const OpenHistory &history, const KeyTexts &key) : history_(history) {
        const Key values(*history.table(), key);
        List *entries =
            pg::call([&] { return read_entries(*history.table(), values.values, DT_NOBEGIN, Extent::all); });
        for (int i = 0; i < list_length(entries); i++) {
            all_.push_back(static_cast<const ReadEntry *>(list_nth(entries, i)));
        }
    }

    const std::vector<const ReadEntry *> &all() const { return all_; }

    std::int64_t get_deletion(const ReadEntry &entry) const { return history_.get_deletion(entry); }

    Stretch make_stretch(std::size_t place) const {
        const ReadEntry &entry = *all_[place];
        Stretch stretch;
        stretch.own = make_change(entry);
        if (begins_life(entry)) {
            stretch.from = stretch.own;
            if (place + 1 < all_.size()) {
                stretch.until = make_change(*all_[place + 1]);
            }
            return stretch;
        }
        stretch.until = stretch.own;
        if (place > 0) {
            stretch.from = make_change(*all_[place - 1]);
        }
        stretch.is_end = ends_row(entry.kind);
        stretch.deletion = stretch.is_end ? get_deletion(entry) : 0;
        return stretch;
    }

private:
    const OpenHistory &history_;
    std::vector<const ReadEntry *> all_;
};

// Runs take with the entries of each of these keys, as the owner of the history.
template <typename Keyed, typename Take>
void for_each_key(const TableInfo &table, const std::map<KeyTexts, Keyed> &keys, Take take) {
    OpenHistory history(table.relation);
    if (history.table() == nullptr || history.table()->key_count == 0) {
        return;
    }
    pg::UserScope owner(table.owner);
    pg::SnapshotScope newest(pg::call([] {
        CommandCounterIncrement();
        return GetLatestSnapshot();
    }));
    for (const auto &[key, rows] : keys) {
        take(KeyEntries(history, key), rows);
    }
}

// Of a table whose history has no key.
std::map<RowId, Stretch> read_each(pg::Spi &spi, const TableInfo &history, const RowSet &entries) {
    std::map<RowId, Stretch> stretches;
    const std::string query = sqltext::format(
        "/* softdelete */ SELECT t.tableoid, t.ctid, t.history_at, t.history_transaction_at, "
        "t.history_transaction, t.history_kind IN ('I', 'K'), t.history_kind IN ('D', 'T', 'P', 'S'), "
        "coalesce(t.history_deletion_id, 0) FROM %1% AS t WHERE %2%",
        history.name, rows::make_membership(history, "t", 1));
    pg::OwnerScope owner(history.owner);
    pg::ExactTextScope exact;
    for (const pg::Row &row : spi.query(query, {entries.tables(), entries.positions()})) {
        Stretch &stretch = stretches[rows::read_row_id(row)];
        stretch.own = {pg::read_time(row.text(2)), pg::read_time(row.text(3)), std::stoull(row.text(4))};
        (row.boolean(5) ? stretch.from : stretch.until) = stretch.own;
        stretch.is_end = row.boolean(6);
        stretch.deletion = stretch.is_end ? row.number(7) : 0;
    }
    return stretches;
}

struct ArchivedRow {
    RowId row;
    TimestampTz at;
    std::int64_t deletion;
};

// The end of the row in its table, of what came to the archive then or with that deletion; its length where there is none. A
// marked row that moved there was its table's until it moved.
std::size_t find_end(const KeyEntries &entries, const ArchivedRow &row) {
    const std::vector<const ReadEntry *> &all = entries.all();
    for (std::size_t i = all.size(); i-- > 0;) {
        const ReadEntry &entry = *all[i];
        const bool is_that = (ends_life(entry) && entry.transaction_at == row.at)
                             || (entry.kind == kind_soft_delete && row.deletion != 0
                                 && entries.get_deletion(entry) == row.deletion);
        if (!is_that) {
            continue;
        }
        std::size_t end = i;
        while (!ends_life(*all[end]) && end + 1 < all.size() && !begins_life(*all[end + 1])) {
            end++;
        }
        return end;
    }
    return all.size();
}

} // namespace

std::map<RowId, Stretch> read_stretches(pg::Spi &spi, const TableInfo &table, const RowSet &entries) {
    if (entries.empty()) {
        return {};
    }
    const TableInfo history = catalog::get_table(spi, get_history(spi, table));
    const std::vector<std::string> columns = find_key_columns(spi, table.relation);
    if (columns.empty() || !records_key(table.relation)) {
        return read_each(spi, history, entries);
    }
    std::map<KeyTexts, bool> keys;
    for (const pg::Row &row : read_key_rows(spi, history, columns, entries)) {
        keys[read_texts(row, columns.size())] = true;
    }
    std::map<RowId, Stretch> stretches;
    for_each_key(table, keys, [&](const KeyEntries &its, bool) {
        for (std::size_t i = 0; i < its.all().size(); i++) {
            const RowId place = get_place(*its.all()[i]);
            if (entries.contains(place)) {
                stretches[place] = its.make_stretch(i);
            }
        }
    });
    return stretches;
}

std::map<RowId, Stretch> find_archived_ends(pg::Spi &spi, const TableInfo &table, const RowSet &rows) {
    const std::vector<std::string> columns = find_key_columns(spi, table.relation);
    if (rows.empty() || columns.empty() || !records_key(table.relation)) {
        return {};
    }
    std::map<KeyTexts, std::vector<ArchivedRow>> keys;
    for (const pg::Row &row : read_key_rows(
             spi, catalog::get_archive(table), columns, rows,
             sqltext::format(", CAST(t.%1% AS pg_catalog.timestamptz), coalesce(%2%, 0), t.tableoid, t.ctid",
                             table.archive->deleted_at, registry::make_deletion_of("t.deletion_id")))) {
        const std::size_t next = columns.size();
        keys[read_texts(row, next)].push_back({rows::read_row_id(row, next + 2),
                                               pg::read_time(row.text_or(next, "infinity")),
                                               row.number(next + 1)});
    }
    std::map<RowId, Stretch> ends;
    for_each_key(table, keys, [&](const KeyEntries &its, const std::vector<ArchivedRow> &archived) {
        for (const ArchivedRow &row : archived) {
            const std::size_t end = find_end(its, row);
            if (end < its.all().size()) {
                ends[row.row] = its.make_stretch(end);
            }
        }
    });
    return ends;
}

std::map<RowId, Change> find_last_changes(pg::Spi &spi, const TableInfo &table, const RowSet &rows) {
    const std::vector<std::string> columns = find_key_columns(spi, table.relation);
    if (rows.empty() || columns.empty() || !records_key(table.relation)) {
        return {};
    }
    std::map<KeyTexts, RowId> keys;
    for (const pg::Row &row : read_key_rows(spi, table, columns, rows, ", t.tableoid, t.ctid")) {
        keys.emplace(read_texts(row, columns.size()), rows::read_row_id(row, columns.size()));
    }
    std::map<RowId, Change> changes;
    for_each_key(table, keys, [&](const KeyEntries &its, const RowId &row) {
        if (!its.all().empty()) {
            changes[row] = make_change(*its.all().back());
        }
    });
    return changes;
}

} // namespace softdelete::history
