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

#include <algorithm>
#include <iterator>
#include <tuple>
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
    std::uint64_t command; // that put it there
};

// The ends of a key's rows that came to the archive then: where in the entries, and the entry that tells it. A marked row that moved
// there was its table's until it moved.
using Ends = std::map<std::size_t, std::size_t>;

bool tells_end(const KeyEntries &its, const ReadEntry &entry, const std::vector<ArchivedRow> &archived) {
    if (!ends_life(entry) && entry.kind != kind_soft_delete) {
        return false;
    }
    const std::int64_t deletion = its.get_deletion(entry);
    return std::any_of(archived.begin(), archived.end(), [&](const ArchivedRow &row) {
        return (ends_life(entry) && entry.transaction_at == row.at)
               || (deletion != 0 && deletion == row.deletion);
    });
}

// Not those of rows that have come back: their entry there has the deletion, too.
Ends find_ends(const KeyEntries &its, const std::vector<ArchivedRow> &archived) {
    const std::vector<const ReadEntry *> &all = its.all();
    Ends ends;
    for (std::size_t i = 0; i < all.size(); i++) {
        const ReadEntry &entry = *all[i];
        const std::int64_t back = entry.kind == kind_insert ? its.get_deletion(entry) : 0;
        if (back != 0) {
            const auto former = std::find_if(ends.rbegin(), ends.rend(), [&](const auto &end) {
                return its.get_deletion(*all[end.second]) == back;
            });
            if (former != ends.rend()) {
                ends.erase(std::next(former).base());
            }
        }
        if (!tells_end(its, entry, archived)) {
            continue;
        }
        std::size_t end = i;
        while (!ends_life(*all[end]) && end + 1 < all.size() && !begins_life(*all[end + 1])) {
            end++;
        }
        ends[end] = ends_life(*all[end]) ? end : i;
    }
    return ends;
}

// The rows that one transaction has archived under a key, and their ends, each in their order. Where some of either are gone, a row's is
// the last one that was there when it was archived.
void match_ends(const KeyEntries &its, std::vector<ArchivedRow> archived, std::map<RowId, Stretch> *found) {
    std::sort(archived.begin(), archived.end(), [](const ArchivedRow &one, const ArchivedRow &other) {
        return std::tuple(one.command, one.row) > std::tuple(other.command, other.row);
    });
    Ends ends = find_ends(its, archived);
    const bool is_whole = ends.size() == archived.size();
    for (const ArchivedRow &row : archived) {
        if (ends.empty()) {
            return;
        }
        const auto before = std::find_if(ends.rbegin(), ends.rend(), [&](const auto &end) {
            return is_whole || static_cast<std::uint32_t>(its.all()[end.second]->command) <= row.command;
        });
        const auto end = std::next(before == ends.rend() ? ends.rbegin() : before).base();
        Stretch &stretch = (*found)[row.row];
        stretch = its.make_stretch(end->first);
        stretch.entry = get_place(*its.all()[end->second]);
        ends.erase(end, ends.end());
    }
}

// With all others that came to the archive under their keys at the same times, each by its key.
std::map<KeyTexts, std::vector<ArchivedRow>> read_archived(pg::Spi &spi, const TableInfo &table,
                                                           const std::vector<std::string> &columns,
                                                           const RowSet &rows) {
    const TableInfo archive = catalog::get_archive(table);
    std::string same = sqltext::format("t.%1% = o.%1%", table.archive->deleted_at);
    for (const catalog::KeyColumn &column : catalog::find_primary_key(spi, table.relation)) {
        same +=
            " AND " + column.equality.of("t." + column.name + column.cast, "o." + column.name + column.cast);
    }
    const std::string query = sqltext::format(
        "/* softdelete */ SELECT %1%, CAST(t.%2% AS pg_catalog.timestamptz), coalesce(%3%, 0), t.tableoid, "
        "t.ctid, CAST(t.cmin AS pg_catalog.text) FROM %4% AS o JOIN %4% AS t ON %5% WHERE %6%",
        sqltext::join(columns, ", "), table.archive->deleted_at, registry::make_deletion_of("t.deletion_id"),
        archive.name, same, rows::make_membership(archive, "o", 1));
    std::map<KeyTexts, std::vector<ArchivedRow>> archived;
    RowSet seen;
    pg::OwnerScope owner(archive.owner);
    pg::ExactTextScope exact;
    for (const pg::Row &row : spi.query(query, {rows.tables(), rows.positions()})) {
        const std::size_t next = columns.size();
        const RowId place = rows::read_row_id(row, next + 2);
        if (seen.add(place)) {
            archived[read_texts(row, next)].push_back({place, pg::read_time(row.text_or(next, "infinity")),
                                                       row.number(next + 1),
                                                       std::stoull(row.text(next + 4))});
        }
    }
    return archived;
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
    std::map<RowId, Stretch> ends;
    for_each_key(table, read_archived(spi, table, columns, rows),
                 [&](const KeyEntries &its, const std::vector<ArchivedRow> &archived) {
                     std::map<TimestampTz, std::vector<ArchivedRow>> times;
                     for (const ArchivedRow &row : archived) {
                         times[row.at].push_back(row);
                     }
                     for (const auto &[at, together] : times) {
                         match_ends(its, together, &ends);
                     }
                 });
    std::erase_if(ends, [&](const auto &end) { return !rows.contains(end.first); });
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
