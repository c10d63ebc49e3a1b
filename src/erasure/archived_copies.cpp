// An archive has the columns of its table, so that a foreign key of the table tells what an archived row referenced: the key
// is followed with the archive in place of the table, level by level.
#include "erasure/archived_copies.hpp"

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
    CopyCollector(pg::Spi &spi, ArchivedCopies *copies) : spi_(spi), copies_(copies) {}

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

    void add_source(const rows::TreeTable &member) { work_.push_back({member.table, false, member.rows}); }

    void run() {
        while (!work_.empty()) {
            CopySource source = std::move(work_.front());
            work_.pop_front();
            for (const ForeignKey &key : catalog::find_referencing_keys(spi_, source.table.relation)) {
                if (key.on_delete == catalog::OnDelete::cascade && key.child.archive) {
                    add(key.child, rows::lock_children(spi_,
                                                       source.is_archive ? catalog::between_archives(key)
                                                                         : catalog::of_archived_children(key),
                                                       source.rows));
                }
            }
        }
        for (const auto &[archive, member] : copies_->archives) {
            note_deletions(member);
        }
    }

private:
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
    std::deque<CopySource> work_;
};

} // namespace

ArchivedCopies find_archived_copies(pg::Spi &spi, const TableInfo &table, const catalog::KeyLookup &lookup,
                                    const rows::RowTree &tree) {
    ArchivedCopies copies;
    CopyCollector collector(spi, &copies);
    if (table.archive) {
        collector.add_named(table, lookup);
    }
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
