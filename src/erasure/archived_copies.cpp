// An archive has the columns of its table, so that a foreign key of the table tells what an archived row referenced: the key
// is followed with the archive in place of the table, level by level. ON UPDATE CASCADE does not reach archives: what referenced
// a former key is found by the history of the referenced table.
#include "erasure/archived_copies.hpp"

#include "erasure/row_deletions.hpp"
#include "history/check_tracking.hpp"
#include "history/overwrite_entries.hpp"
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

// Rows whose archived children are to be found: live ones of a table, or those of its archive.
struct CopySource {
    TableInfo table;
    bool is_archive;
    rows::RowSet rows;
};

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
        add(table, found);
    }

    // A row of which there may be the history alone.
    void add_key(const TableInfo &table, const history::KeyTexts &key) {
        recorded_.push_back({table, history::find_lives(table, {key}), {}});
    }

    void add_source(const rows::TreeTable &member) { work_.push_back({member.table, false, member.rows}); }

    void run() {
        while (!work_.empty() || !recorded_.empty()) {
            if (work_.empty()) { // whose a former key is now shows when the rows are known
                follow_former_keys(recorded_.front());
                recorded_.pop_front();
            } else {
                CopySource source = std::move(work_.front());
                work_.pop_front();
                follow(source);
            }
        }
        for (const auto &[archive, member] : copies_->archives) {
            note_deletions(member);
        }
        for (const auto &[what, rows] : left_) {
            note_left(what, rows);
        }
    }

private:
    // Entries of a table's history, and rows that are there still.
    struct Recorded {
        TableInfo table;
        rows::RowSet entries;
        history::PresentRows present;
    };

    void follow(const CopySource &source) {
        if (!source.is_archive) {
            live_.add_all(source.rows);
        }
        const std::vector<ForeignKey> keys = catalog::find_referencing_keys(spi_, source.table.relation);
        for (const ForeignKey &key : keys) {
            if (!key.child.archive || find_barrier_(key)) {
                continue;
            }
            add(key.child,
                leave_others_children(key, rows::lock_children(spi_,
                                                               source.is_archive
                                                                   ? catalog::between_archives(key)
                                                                   : catalog::of_archived_children(key),
                                                               source.rows)));
        }
        if (!keys.empty()) {
            recorded_.push_back(make_recorded(source));
        }
    }

    // Where a row has left its table its history tells until when it had what it has, or its archive.
    Recorded make_recorded(const CopySource &source) {
        const bool has_history = OidIsValid(history::find_history(spi_, source.table.relation));
        if (!source.is_archive) {
            rows::RowSet entries;
            if (has_history) {
                entries = history::find_last_lives(source.table,
                                                   history::read_keys(spi_, source.table, source.rows));
            }
            return {source.table, entries, {source.table, source.rows, "'infinity'"}};
        }
        const TableInfo archive = catalog::get_archive(source.table);
        if (!has_history) {
            return {source.table, {}, {archive, source.rows, "t." + source.table.archive->deleted_at}};
        }
        return {
            source.table, history::find_archived_lives(spi_, source.table, source.rows), {archive, {}, ""}};
    }

    void follow_former_keys(const Recorded &recorded) {
        if (recorded.entries.empty() && recorded.present.rows.empty()) {
            return;
        }
        for (const ForeignKey &key : catalog::find_referencing_keys(spi_, recorded.table.relation)) {
            const std::optional<std::string> barrier = find_barrier_(key);
            if (!barrier || !barrier->empty()) {
                follow_gone(key, recorded, !barrier);
                follow_archived(key, recorded, barrier);
            }
        }
    }

    void follow_gone(const ForeignKey &key, const Recorded &recorded, bool is_meant) {
        const rows::RowSet gone =
            history::find_gone_below(spi_, recorded.table, key, recorded.entries, recorded.present);
        if (is_meant) {
            add_gone(key.child, gone);
        } else if (!gone.empty()) {
            copies_->not_reached.push_back(tell_gone(key.child));
        }
    }

    void follow_archived(const ForeignKey &key, const Recorded &recorded,
                         const std::optional<std::string> &barrier) {
        std::vector<history::ReferencedColumn> values;
        if (key.child.archive && !recorded.entries.empty()) {
            values = history::read_recorded_values(spi_, recorded.table, key, recorded.entries);
        }
        if (values.empty() || values.front().values.empty()) {
            return;
        }
        const TableInfo archive = catalog::get_archive(key.child);
        const rows::RowSet found = leave_others(
            key, history::find_references(spi_, archive, key, values, barrier ? "" : " FOR UPDATE OF c"));
        if (barrier) {
            leave(archive, found, *barrier);
        } else {
            add(key.child, found);
        }
    }

    // What lies below a row that is gone its history tells.
    void add_gone(const TableInfo &table, const rows::RowSet &entries) {
        Recorded fresh = {table, {}, {}};
        for (const rows::RowId &entry : entries.ids()) {
            if (copies_->gone[table.relation].add(entry)) {
                fresh.entries.add(entry);
            }
        }
        if (!fresh.entries.empty()) {
            recorded_.push_back(std::move(fresh));
        }
    }

    // Of these archived rows, those that did not reference another row, which had the key before or after.
    rows::RowSet leave_others_children(const ForeignKey &key, const rows::RowSet &found) {
        const rows::RowSet others = find_others_children(spi_, key, found, [&](const rows::RowId &parent) {
            return live_.contains(parent)
                   || (key.parent.archive && is_found(key.parent.archive->relation, parent));
        });
        leave(catalog::get_archive(key.child), others, others_children);
        return rows::subtract(found, others);
    }

    // Of these archived rows, those that do not reference another row by what is its key now.
    rows::RowSet leave_others(const ForeignKey &key, const rows::RowSet &found) {
        rows::RowSet others;
        for (const rows::RowLink &link :
             rows::find_parents(spi_, catalog::of_archived_children(key), found)) {
            if (!live_.contains(link.parent)) {
                others.add(link.child);
            }
        }
        if (key.parent.archive) {
            for (const rows::RowLink &link :
                 rows::find_parents(spi_, catalog::between_archives(key), found)) {
                if (!is_found(key.parent.archive->relation, link.parent)) {
                    others.add(link.child);
                }
            }
        }
        leave(catalog::get_archive(key.child), others, "reference a former key which another row has now");
        return rows::subtract(found, others);
    }

    void leave(const TableInfo &archive, const rows::RowSet &rows, const std::string &reason) {
        left_[{archive.relation, sqltext::format("rows of %1% that %2%", archive.name, reason)}].add_all(
            rows);
    }

    void note_left(const std::pair<Oid, std::string> &what, const rows::RowSet &rows) {
        for (const rows::RowId &row : rows.ids()) {
            if (!is_found(what.first, row)) {
                copies_->not_reached.push_back(what.second);
                return;
            }
        }
    }

    bool is_found(Oid archive, const rows::RowId &row) const {
        const auto member = copies_->archives.find(archive);
        return member != copies_->archives.end() && member->second.rows.contains(row);
    }

    void add(const TableInfo &table, const rows::RowSet &found) {
        CopySource fresh = {table, true, {}};
        for (const rows::RowId &row : found.ids()) {
            rows::TreeTable &member = copies_->archives[table.archive->relation];
            member.table = catalog::get_archive(table);
            if (member.rows.add(row)) {
                fresh.rows.add(row);
            }
        }
        if (!fresh.rows.empty()) {
            work_.push_back(std::move(fresh));
        }
    }

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
    std::deque<CopySource> work_;
    std::deque<Recorded> recorded_;
    rows::RowSet live_;                                        // that are followed
    std::map<std::pair<Oid, std::string>, rows::RowSet> left_; // by the archive and what the log says
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
        collector.add_source(member);
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
