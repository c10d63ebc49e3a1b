// A life begins with an INSERT or with the arrival under a new key, and ends with the row, or when it goes on under another
// key. Several lives under a key are one subject's, but for those that went on under another key: that is another row.
#include "history/row_lives.hpp"

#include "history/key_text.hpp"
#include "history/open_history.hpp"
#include "history/read_entries.hpp"
#include "pg/scopes.hpp"
#include "rows/follow_links.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "access/htup_details.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
}

namespace softdelete::history {

namespace {

using rows::RowSet;

class Lives {
public:
    Lives(const OpenHistory &history, RowSet *found)
        : history_(history)
        , table_(*history.table())
        , found_(found) {}

    void add_key(const Datum *values) { collect(values, nullptr, nullptr); }

private:
    // The key's lives; or, where the row went on from it, that one which ended with the arrival at the next key, next.
    void collect(const Datum *values, const ReadEntry *arrival, const Datum *next) {
        List *entries = pg::call([&] { return read_entries(table_, values, DT_NOBEGIN, Extent::all); });
        std::vector<const ReadEntry *> life;
        for (int i = 0; i < list_length(entries); i++) {
            const auto *entry = static_cast<const ReadEntry *>(list_nth(entries, i));
            if (begins_life(*entry)) {
                end_life(values, &life, arrival == nullptr);
            }
            life.push_back(entry);
            if (is_departure(*entry)) {
                end_life(values, &life, arrival != nullptr && leads_to(*entry, *arrival, next));
            } else if (ends_life(*entry)) {
                end_life(values, &life, arrival == nullptr);
            }
        }
        end_life(values, &life, arrival == nullptr);
    }

    void end_life(const Datum *key, std::vector<const ReadEntry *> *life, bool is_of_subject) {
        for (const ReadEntry *entry : *life) {
            bool is_new = is_of_subject && found_->add({entry->partition, entry->position});
            if (is_new && entry->kind == kind_new_key) {
                Datum former[INDEX_MAX_KEYS] = {};
                if (pg::call([&] { return read_other_key(*entry, former); })) {
                    collect(former, entry, key);
                }
            }
        }
        life->clear();
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
};

// place: the table or its archive.
std::vector<KeyTexts> read_keys_in(pg::Spi &spi, const catalog::TableInfo &place,
                                   const catalog::TableInfo &table, const RowSet &rows) {
    std::vector<KeyTexts> keys;
    std::vector<std::string> columns;
    for (const catalog::KeyColumn &column : catalog::find_primary_key(spi, table.relation)) {
        columns.push_back("t." + column.name);
    }
    if (columns.empty() || rows.empty()
        || pg::call([&] { return find_tracked_table(table.relation) == nullptr; })) {
        return keys;
    }
    std::string query = sqltext::format("/* softdelete */ SELECT %1% FROM %2% AS t WHERE %3% AND %4%",
                                        sqltext::join(columns, ", "), place.name, rows::see_all(place, "t"),
                                        rows::make_membership(place, "t", 1));
    pg::OwnerScope owner(place.owner);
    pg::ExactTextScope texts;
    for (const pg::Row &row : spi.query(query, {rows.tables(), rows.positions()})) {
        KeyTexts key;
        for (std::size_t i = 0; i < columns.size(); i++) {
            key.push_back(row.text(i));
        }
        keys.push_back(key);
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
    RowSet found;
    OpenHistory history(info.relation);
    const TrackedTable *table = history.table();
    if (table == nullptr || table->key_count == 0 || keys.empty()) {
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
    for (const KeyTexts &key : keys) {
        Datum values[INDEX_MAX_KEYS] = {};
        {
            pg::ExactTextScope exact;
            pg::call([&] {
                for (int i = 0; i < table->key_count; i++) {
                    values[i] = read_key_value(table->key[i], key.at(static_cast<std::size_t>(i)).c_str());
                }
            });
        }
        lives.add_key(values);
    }
    return found;
}

} // namespace softdelete::history
