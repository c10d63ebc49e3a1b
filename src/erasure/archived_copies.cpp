// An archive and a history have the columns of their table, so that a foreign key of the table tells what a row referenced there: the key
// is followed with them in place of the table, level by level. ON UPDATE CASCADE does not reach them: what referenced a former key is
// found by the history of the referenced table. Whose each row was erasure/key_holders tells.
#include "erasure/archived_copies.hpp"

#include "erasure/key_holders.hpp"
#include "history/check_tracking.hpp"
#include "history/held_entries.hpp"
#include "history/row_lives.hpp"
#include "pg/scopes.hpp"
#include "rows/follow_links.hpp"
#include "rows/named_row.hpp"
#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"
#include "sqltext/format.hpp"

#include <deque>
#include <optional>

namespace softdelete::erasure {

namespace {

using catalog::ForeignKey;
using catalog::TableInfo;

// What the log says of archived rows that are left.
constexpr const char *others_rows = "referenced another row, which had the same key";
constexpr const char *unknown_rows =
    "reference a key that other rows may have had, and nothing recorded tells whose they were";
constexpr const char *untold_entries =
    "may be about an archived row that is removed, or about another one with its key";

class CopyCollector {
public:
    CopyCollector(pg::Spi &spi, ArchivedCopies *copies, const Barrier &find_barrier)
        : spi_(spi)
        , copies_(copies)
        , find_barrier_(find_barrier) {}

    void add_named(const TableInfo &table, const catalog::KeyLookup &lookup) {
        std::string columns;
        for (const catalog::KeyColumn &column : catalog::find_primary_key(spi_, table.relation)) {
            columns += ", a." + column.name;
        }
        std::string query =
            sqltext::format("/* softdelete */ SELECT a.tableoid, a.ctid%1% FROM %2% AS a WHERE %3% ORDER BY "
                            "a.%4% DESC, a.ctid DESC FOR UPDATE",
                            columns, table.archive->name, lookup.condition, table.archive->deleted_at);
        rows::RowSet found;
        {
            pg::OwnerScope owner(table.owner);
            pg::ExactTextScope exact;
            for (const pg::Row &row : spi_.query(query, lookup.values)) {
                found.add(rows::read_row_id(row));
                std::vector<std::string> stored;
                for (std::size_t i = 0; i < lookup.values.size(); i++) {
                    stored.push_back(row.text(i + 2));
                }
                copies_->keys.push_back(std::move(stored));
            }
        }
        add_archived(table, found, true);
    }

    // A row of which there may be the history alone.
    void add_key(const TableInfo &table, const history::KeyTexts &key) {
        for (Oid relation : catalog::find_heirs(spi_, table.relation)) { // their rows are the table's
            const TableInfo heir = catalog::get_table(spi_, relation);
            if (has_same_key(table, heir)) {
                add_entries(heir, history::find_lives(heir, {key}));
            }
        }
    }

    void add_live(const rows::TreeTable &member) {
        known_.add_all(member.rows);
        work_.push_back({member.table, Place::table, member.rows});
        add_entries(member.table, history::find_last_lives(
                                      member.table, history::read_keys(spi_, member.table, member.rows)));
    }

    void run() {
        while (!work_.empty()) {
            const Source source = std::move(work_.front());
            work_.pop_front();
            for (const ForeignKey &key : catalog::find_referencing_keys(spi_, source.table.relation)) {
                const std::optional<std::string> barrier = find_barrier_(key);
                if (!barrier) {
                    follow(key, source);
                } else if (!barrier->empty()) {
                    note_barred(key, source, *barrier);
                }
            }
        }
        note_below_held();
        for (const auto &[archive, member] : copies_->archives) {
            note_deletions(member);
        }
        for (const auto &[what, rows] : left_) {
            if (!rows::subtract(rows, known_).empty()) { // some may have turned out to be the subject's
                copies_->not_reached.insert(what);
            }
        }
    }

private:
    // Rows whose children are to be found, of a table, its archive or its history.
    struct Source {
        TableInfo table;
        Place place;
        rows::RowSet rows;
    };

    void follow(const ForeignKey &key, const Source &source) {
        const rows::RowSet archived = find_children(key, source, Place::archive, true);
        if (!archived.empty()) {
            const Belongings its = find_its(key, Place::archive, archived);
            const std::string &name = key.child.archive->name;
            leave(sqltext::format("rows of %1% that %2%", name, others_rows), its.others);
            leave(sqltext::format("rows of %1% that %2%", name, unknown_rows),
                  rows::subtract(rows::subtract(archived, its.own), its.others));
            add_archived(key.child, its.own, key.on_delete == catalog::OnDelete::cascade);
        }
        const rows::RowSet entries = find_children(key, source, Place::history, false);
        if (!entries.empty()) {
            add_referencing(key.child, find_its(key, Place::history, entries).own);
        }
    }

    // What references the subject by a key that does not lead to rows of it, as far as the caller cannot see.
    void note_barred(const ForeignKey &key, const Source &source, const std::string &reason) {
        if (source.place == Place::history) {
            const rows::RowSet archived = find_children(key, source, Place::archive, false);
            if (!archived.empty()) {
                leave(sqltext::format("rows of %1% that %2%", key.child.archive->name, reason),
                      find_its(key, Place::archive, archived).own);
            }
        }
        const rows::RowSet entries = find_children(key, source, Place::history, false);
        if (!entries.empty()
            && !history::find_ended_lives(spi_, key.child, find_its(key, Place::history, entries).own)
                    .empty()) {
            copies_->not_reached.insert(tell_gone(key.child));
        }
    }

    rows::RowSet find_children(const ForeignKey &key, const Source &source, Place children, bool is_locked) {
        const std::optional<ForeignKey> step = find_step(spi_, key, source.place, children);
        if (!step) {
            return {};
        }
        const rows::RowSet parents = pick_values(spi_, step->parent, step->parent_link.names, source.rows);
        return is_locked ? rows::lock_children(spi_, *step, parents)
                         : rows::find_children(spi_, *step, parents);
    }

    Belongings find_its(const ForeignKey &key, Place place, const rows::RowSet &rows) {
        return find_belongings(spi_, key, place, rows,
                               [this](const rows::RowId &row) { return known_.contains(row); });
    }

    // Entries of rows that referenced one of the subject's, and all of rows that did so to their end. Those of another row that a
    // hold protects stay.
    void add_referencing(const TableInfo &table, const rows::RowSet &entries) {
        const rows::RowSet ended = history::find_ended_lives(spi_, table, entries);
        rows::RowSet all = entries;
        all.add_all(ended);
        const rows::RowSet &held = get_held(table);
        const rows::RowSet free = rows::subtract(all, held);
        if (free.size() < all.size()) {
            const bool ends = rows::subtract(ended, held).size() < ended.size();
            (ends ? copies_->not_reached : copies_->held)
                .insert(sqltext::format("entries of %1% that a hold protects", get_history_name(table)));
        }
        keep(table, rows::subtract(all, free));
        copies_->gone[table.relation].add_all(rows::subtract(ended, held));
        add_entries(table, free);
    }

    void keep(const TableInfo &table, const rows::RowSet &entries) {
        const rows::RowSet fresh = rows::subtract(rows::subtract(entries, kept_), known_);
        if (!fresh.empty()) {
            kept_.add_all(fresh);
            kept_work_.push_back({table, Place::history, fresh});
        }
    }

    // Nothing leads through entries that stay to those of rows that were below theirs, of a time when these were the subject's.
    void note_below_held() {
        while (!kept_work_.empty()) {
            const Source source = std::move(kept_work_.front());
            kept_work_.pop_front();
            for (const ForeignKey &key : catalog::find_referencing_keys(spi_, source.table.relation)) {
                if (find_barrier_(key)) {
                    continue;
                }
                const rows::RowSet found = find_children(key, source, Place::history, false);
                if (found.empty()) {
                    continue;
                }
                const auto is_known = [this](const rows::RowId &row) {
                    return known_.contains(row) || kept_.contains(row);
                };
                const rows::RowSet its =
                    rows::subtract(find_belongings(spi_, key, Place::history, found, is_known).own, known_);
                if (!its.empty()) {
                    copies_->held.insert(
                        sqltext::format("entries of %1% that are below some that a hold protects",
                                        get_history_name(key.child)));
                    keep(key.child, its);
                }
            }
        }
    }

    bool has_same_key(const TableInfo &table, const TableInfo &heir) {
        const auto read = [&](const TableInfo &one) {
            std::vector<std::string> names;
            for (const catalog::KeyColumn &column : catalog::find_primary_key(spi_, one.relation)) {
                names.push_back(column.name);
            }
            return names;
        };
        return read(table) == read(heir);
    }

    std::string get_history_name(const TableInfo &table) {
        return catalog::get_table(spi_, history::find_history(spi_, table.relation)).name;
    }

    const rows::RowSet &get_held(const TableInfo &table) {
        const auto [place, is_new] = held_.try_emplace(table.relation);
        if (is_new) {
            place->second = history::find_held_entries(spi_, table);
        }
        return place->second;
    }

    void add_entries(const TableInfo &table, const rows::RowSet &entries) {
        const rows::RowSet fresh = rows::subtract(entries, known_);
        if (!fresh.empty()) {
            known_.add_all(fresh);
            copies_->entries[table.relation].add_all(fresh);
            work_.push_back({table, Place::history, fresh});
        }
    }

    void add_archived(const TableInfo &table, const rows::RowSet &found, bool is_cascade) {
        const rows::RowSet fresh = rows::subtract(found, known_);
        for (const rows::RowId &row : found.ids()) {
            if (is_cascade) {
                copies_->linked.remove(row);
            } else if (fresh.contains(row)) {
                copies_->linked.add(row);
            }
        }
        if (fresh.empty()) {
            return;
        }
        known_.add_all(fresh);
        rows::TreeTable &member = copies_->archives[table.archive->relation];
        member.table = catalog::get_archive(table);
        member.rows.add_all(fresh);
        work_.push_back({table, Place::archive, fresh});
        const history::ArchivedLives lives = history::find_archived_lives(spi_, table, fresh);
        add_entries(table, lives.own);
        if (!lives.untold.empty()) {
            leave(sqltext::format("entries of %1% that %2%", get_history_name(table), untold_entries),
                  lives.untold);
        }
    }

    void leave(const std::string &what, const rows::RowSet &rows) { left_[what].add_all(rows); }

    void note_deletions(const rows::TreeTable &member) {
        std::string query =
            sqltext::format("/* softdelete */ SELECT DISTINCT a.deletion_id FROM %1% AS a WHERE %2% AND "
                            "a.deletion_id IS NOT NULL",
                            member.table.name, rows::make_membership(member.table, "a", 1));
        pg::OwnerScope owner(member.table.owner);
        for (const pg::Row &row : spi_.query(query, {member.rows.tables(), member.rows.positions()})) {
            copies_->deletions.insert(row.text(0));
        }
    }

    pg::Spi &spi_;
    ArchivedCopies *copies_;
    const Barrier &find_barrier_;
    std::deque<Source> work_;
    rows::RowSet known_;                       // live rows, archived ones and entries
    std::map<std::string, rows::RowSet> left_; // by what the log says
    std::map<Oid, rows::RowSet> held_;         // entries by table
    rows::RowSet kept_;                        // entries that a hold protects, and those below them
    std::deque<Source> kept_work_;
};

} // namespace

std::string tell_gone(const TableInfo &table) {
    return sqltext::format(
        "entries of the history of %1% about rows that are gone and referenced the subject", table.name);
}

std::optional<std::string> stop_unless_cascade(const ForeignKey &key) {
    return key.on_delete == catalog::OnDelete::cascade ? std::nullopt : std::optional<std::string>("");
}

ArchivedCopies find_archived_copies(pg::Spi &spi, const TableInfo &table, const catalog::KeyLookup &lookup,
                                    const rows::RowTree &tree, const Barrier &find_barrier) {
    ArchivedCopies copies;
    CopyCollector collector(spi, &copies, find_barrier);
    if (table.archive) {
        collector.add_named(table, lookup);
    }
    collector.add_key(table, catalog::write_key(table, lookup));
    for (const auto &[relation, member] : tree.tables) {
        collector.add_live(member);
    }
    collector.run();
    return copies;
}

std::map<std::string, std::uint64_t> remove_archived_copies(pg::Spi &spi, const ArchivedCopies &copies,
                                                            std::set<Oid> *touched) {
    std::map<std::string, std::uint64_t> counts;
    for (const auto &[archive, member] : copies.archives) {
        std::string statement =
            sqltext::format("%1% DELETE FROM %2% AS a WHERE %3%", session::removal_text, member.table.name,
                            rows::make_membership(member.table, "a", 1));
        session::OwnStatement own(statement, {.notes = session::note_removal});
        pg::OwnerScope owner(member.table.owner);
        std::uint64_t removed = spi.execute(statement, {member.rows.tables(), member.rows.positions()});
        if (removed != member.rows.size()) {
            rows::raise_not_removed(member.table, rows::Occasion::erasure);
        }
        counts[member.table.name] = removed;
        touched->insert(archive);
        for (const auto &[partition, rows] : rows::group_by_table(member.rows)) {
            touched->insert(partition);
        }
    }
    return counts;
}

} // namespace softdelete::erasure
