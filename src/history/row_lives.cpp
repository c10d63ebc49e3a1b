// A life begins with an INSERT or with the arrival under a new key, and ends with the row, or when it goes on under another
// key. Several lives under a key that is named are one subject's, but for those that went on under another key: that is another
// row.
#include "history/row_lives.hpp"

#include "history/check_tracking.hpp"
#include "history/key_text.hpp"
#include "history/open_history.hpp"
#include "history/read_entries.hpp"
#include "history/row_keys.hpp"
#include "history/stretches.hpp"
#include "pg/scopes.hpp"
#include "rows/follow_links.hpp"

extern "C" {
#include "access/htup_details.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
}

#include <algorithm>
#include <functional>
#include <set>

namespace softdelete::history {

namespace {

using rows::RowSet;

// Is a life meant that ended with the entry, or that has not ended, where it is null?
using IsMeant = std::function<bool(const ReadEntry *end)>;

class Lives {
public:
    Lives(const OpenHistory &history, RowSet *found)
        : history_(history)
        , table_(*history.table())
        , found_(found) {}

    void add_key(const Datum *values) { collect(values, nullptr, nullptr); }

    void add_some(const Datum *values, const IsMeant &is_meant) {
        is_meant_ = &is_meant;
        collect(values, nullptr, nullptr);
        is_meant_ = nullptr;
    }

    // What left the key in the transaction, by that command or later, for another one, and on, by where it has come to.
    void add_moved(const Datum *values, std::uint64_t transaction, std::uint32_t since) {
        for (const Segment &segment : read_segments(values)) {
            const ReadEntry &end = *segment.entries.back();
            Datum next[INDEX_MAX_KEYS] = {};
            if (end.transaction != transaction || static_cast<std::uint32_t>(end.command) < since
                || !is_departure(end) || !pg::call([&] { return read_other_key(end, next); })) {
                continue;
            }
            for (const Segment &later : read_segments(next)) {
                const ReadEntry &arrival = *later.entries.front();
                const bool is_known = found_->contains({arrival.partition, arrival.position}); // it came back
                if (!is_known && arrival.kind == kind_new_key && leads_to(end, arrival, next)) {
                    add(next, later.entries);
                    add_moved(next, transaction, since);
                }
            }
        }
    }

    std::int64_t get_deletion(const ReadEntry &entry) const { return history_.get_deletion(entry); }

private:
    // From an arrival to an end. Restores of archived rows begin a segment that goes on with a former one.
    struct Segment {
        std::vector<const ReadEntry *> entries;
        std::size_t life; // the number of the last segment of its life
    };

    // The key's lives; or, where the row went on from it, that one which ended with the arrival at the next key, next.
    void collect(const Datum *values, const ReadEntry *arrival, const Datum *next) {
        std::vector<Segment> segments = read_segments(values);
        join_restored(&segments);
        for (const Segment &segment : segments) {
            const std::vector<const ReadEntry *> &last = segments[segment.life].entries;
            const ReadEntry &end = *last.back();
            bool is_of_subject = is_departure(end) ? arrival != nullptr && leads_to(end, *arrival, next)
                                                   : arrival == nullptr && is_meant(last);
            if (is_of_subject) {
                add(values, segment.entries);
            }
        }
    }

    std::vector<Segment> read_segments(const Datum *values) {
        List *entries = pg::call([&] { return read_entries(table_, values, DT_NOBEGIN, Extent::all); });
        std::vector<Segment> segments;
        bool is_open = false;
        for (int i = 0; i < list_length(entries); i++) {
            const auto *entry = static_cast<const ReadEntry *>(list_nth(entries, i));
            if (!is_open || begins_life(*entry)) {
                segments.push_back({{}, segments.size()});
            }
            segments.back().entries.push_back(entry);
            is_open = !is_departure(*entry) && !ends_life(*entry);
        }
        return segments;
    }

    // A row that comes back from an archive is inserted, and its entry has the deletion that took it there.
    void join_restored(std::vector<Segment> *segments) const {
        for (std::size_t i = segments->size(); i-- > 0;) {
            const ReadEntry &first = *(*segments)[i].entries.front();
            const std::int64_t deletion = first.kind == kind_insert ? get_deletion(first) : 0;
            for (std::size_t former = i; deletion != 0 && former-- > 0;) {
                const ReadEntry *end = find_end((*segments)[former].entries);
                if (end != nullptr && get_deletion(*end) == deletion && (*segments)[former].life == former) {
                    (*segments)[former].life = (*segments)[i].life;
                    break;
                }
            }
        }
    }

    // Of a marked row that moved to an archive the mark was the end.
    static const ReadEntry *find_end(const std::vector<const ReadEntry *> &entries) {
        auto end = std::find_if(entries.rbegin(), entries.rend(), [](const ReadEntry *entry) {
            return ends_life(*entry) || entry->kind == kind_soft_delete || entry->kind == kind_restore;
        });
        return end == entries.rend() || (*end)->kind == kind_restore ? nullptr : *end;
    }

    bool is_meant(const std::vector<const ReadEntry *> &life) const {
        return is_meant_ == nullptr || (*is_meant_)(find_end(life));
    }

    void add(const Datum *key, const std::vector<const ReadEntry *> &entries) {
        for (const ReadEntry *entry : entries) {
            bool is_new = found_->add({entry->partition, entry->position});
            if (is_new && entry->kind == kind_new_key) {
                Datum former[INDEX_MAX_KEYS] = {};
                if (pg::call([&] { return read_other_key(*entry, former); })) {
                    collect(former, entry, key);
                }
            }
        }
    }

    bool is_departure(const ReadEntry &entry) const {
        return entry.kind != kind_new_key && pg::call([&] {
                   bool is_null = true;
                   (void)get_other_key(entry, &is_null);
                   return !is_null;
               });
    }

    // Both are halves of one change of the key.
    bool leads_to(const ReadEntry &departure, const ReadEntry &arrival, const Datum *key) const {
        return departure.transaction == arrival.transaction && departure.command == arrival.command
               && pg::call([&] {
                      Datum values[INDEX_MAX_KEYS] = {};
                      return read_other_key(departure, values)
                             && is_same_key(table_, RelationGetDescr(history_.relation()), values, key);
                  });
    }

    Datum get_other_key(const ReadEntry &entry, bool *is_null) const {
        return heap_getattr(entry.row, other_key + 1, RelationGetDescr(history_.relation()), is_null);
    }

    bool read_other_key(const ReadEntry &entry, Datum *values) const {
        bool is_null = true;
        Datum key = get_other_key(entry, &is_null);
        return !is_null && read_key(table_, key, values);
    }

    const OpenHistory &history_;
    const TrackedTable &table_;
    RowSet *found_;
    const IsMeant *is_meant_ = nullptr; // not set: every life is
};

// Runs take with the lives of the table's history, as its owner; not at all where there are none.
template <typename Take>
RowSet read_lives(const catalog::TableInfo &info, Take take) {
    RowSet found;
    OpenHistory history(info.relation);
    const TrackedTable *table = history.table();
    if (table == nullptr || table->key_count == 0) {
        return found;
    }
    // Types of the owner's may run code of his when their values are read.
    pg::UserScope owner(info.owner);
    // What this transaction has written a moment ago is meant as well.
    pg::SnapshotScope newest(pg::call([] {
        CommandCounterIncrement();
        return GetLatestSnapshot();
    }));
    Lives lives(history, &found);
    take(*table, &lives);
    return found;
}

std::vector<KeyTexts> read_keys_in(pg::Spi &spi, const catalog::TableInfo &place,
                                   const catalog::TableInfo &table, const RowSet &rows) {
    std::vector<KeyTexts> keys;
    const std::vector<std::string> columns = find_key_columns(spi, table.relation);
    if (columns.empty() || rows.empty()
        || pg::call([&] { return find_tracked_table(table.relation) == nullptr; })) {
        return keys;
    }
    for (const pg::Row &row : read_key_rows(spi, place, columns, rows)) {
        keys.push_back(read_texts(row, columns.size()));
    }
    return keys;
}

} // namespace

std::vector<KeyTexts> read_keys(pg::Spi &spi, const catalog::TableInfo &table, const RowSet &rows) {
    return read_keys_in(spi, table, table, rows);
}

std::vector<KeyTexts> read_archived_keys(pg::Spi &spi, const catalog::TableInfo &table, const RowSet &rows) {
    return read_keys_in(spi, catalog::get_archive(table), table, rows);
}

RowSet find_lives(const catalog::TableInfo &info, const std::vector<KeyTexts> &keys) {
    if (keys.empty()) {
        return {};
    }
    return read_lives(info, [&](const TrackedTable &table, Lives *lives) {
        for (const KeyTexts &key : keys) {
            lives->add_key(Key(table, key).values);
        }
    });
}

RowSet find_last_lives(const catalog::TableInfo &info, const std::vector<KeyTexts> &keys) {
    if (keys.empty()) {
        return {};
    }
    const std::uint64_t current =
        pg::call([] { return U64FromFullTransactionId(GetTopFullTransactionIdIfAny()); });
    return read_lives(info, [&](const TrackedTable &table, Lives *lives) {
        for (const KeyTexts &key : keys) {
            lives->add_some(Key(table, key).values, [&](const ReadEntry *end) {
                return end == nullptr || end->kind == kind_soft_delete || end->transaction == current;
            });
        }
    });
}

RowSet find_moved_lives(const catalog::TableInfo &info, const std::vector<KeyTexts> &keys,
                        std::uint32_t since) {
    const std::uint64_t current =
        pg::call([] { return U64FromFullTransactionId(GetTopFullTransactionIdIfAny()); });
    if (keys.empty() || current == 0) {
        return {};
    }
    return read_lives(info, [&](const TrackedTable &table, Lives *lives) {
        for (const KeyTexts &key : keys) {
            lives->add_moved(Key(table, key).values, current, since);
        }
    });
}

ArchivedLives find_archived_lives(pg::Spi &spi, const catalog::TableInfo &info, const RowSet &rows) {
    const std::vector<std::string> columns = find_key_columns(spi, info.relation);
    if (rows.empty() || columns.empty() || !records_key(info.relation)) {
        return {};
    }
    RowSet ends;
    RowSet untold = rows;
    for (const auto &[row, stretch] : find_archived_ends(spi, info, rows)) {
        ends.add(stretch.entry);
        untold.remove(row);
    }
    const auto read = [&](const RowSet &some, const IsMeant &is_meant) {
        std::set<KeyTexts> keys;
        for (const pg::Row &row : read_key_rows(spi, catalog::get_archive(info), columns, some)) {
            keys.insert(read_texts(row, columns.size()));
        }
        return read_lives(info, [&](const TrackedTable &table, Lives *lives) {
            for (const KeyTexts &key : keys) {
                lives->add_some(Key(table, key).values, is_meant);
            }
        });
    };
    const auto is_told = [&](const ReadEntry *end) {
        return end != nullptr && ends.contains({end->partition, end->position});
    };
    ArchivedLives lives;
    lives.own = read(rows, is_told);
    if (!untold.empty()) {
        lives.untold = read(untold, [&](const ReadEntry *end) { return end != nullptr && !is_told(end); });
    }
    return lives;
}

RowSet find_ended_lives(pg::Spi &spi, const catalog::TableInfo &info, const RowSet &entries) {
    const std::vector<std::string> columns = find_key_columns(spi, info.relation);
    if (entries.empty() || columns.empty() || !records_key(info.relation)) {
        return {};
    }
    const std::vector<pg::Row> found =
        read_key_rows(spi, catalog::get_table(spi, get_history(spi, info)), columns, entries);
    std::set<KeyTexts> keys;
    for (const pg::Row &row : found) {
        keys.insert(read_texts(row, columns.size()));
    }
    return read_lives(info, [&](const TrackedTable &table, Lives *lives) {
        for (const KeyTexts &key : keys) {
            lives->add_some(Key(table, key).values, [&](const ReadEntry *end) {
                return end != nullptr && entries.contains({end->partition, end->position});
            });
        }
    });
}

} // namespace softdelete::history
