// Reads the columns that tell of deletions. Called by erasure/carry_keys, erasure/archived_copies and erasure/subject_tree.
#include "erasure/row_deletions.hpp"

#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "registry/deletion_ids.hpp"
#include "rows/follow_links.hpp"
#include "sqltext/format.hpp"

namespace softdelete::erasure {

using rows::RowId;

namespace {

// Of which deletion an archived row is, empty for none, and when that was.
struct Archived {
    std::string deletion;
    TimestampTz at;
};

std::map<RowId, Archived> read_archived(pg::Spi &spi, const catalog::TableInfo &table,
                                        const rows::RowSet &rows) {
    std::map<RowId, Archived> archived;
    const catalog::TableInfo archive = catalog::get_archive(table);
    const std::string query =
        sqltext::format("/* softdelete */ SELECT t.tableoid, t.ctid, %3%, CAST(t.%4% AS "
                        "pg_catalog.timestamptz) FROM %1% AS t WHERE %2%",
                        archive.name, rows::make_membership(archive, "t", 1),
                        registry::make_deletion_of("t.deletion_id"), table.archive->deleted_at);
    pg::OwnerScope owner(archive.owner);
    pg::ExactTextScope exact;
    for (const pg::Row &row : spi.query(query, {rows.tables(), rows.positions()})) {
        archived.emplace(rows::read_row_id(row),
                         Archived{row.text_or(2, ""), pg::read_time(row.text_or(3, "infinity"))});
    }
    return archived;
}

// The archived rows that these archived rows referenced, as far as there are any.
std::map<RowId, RowId> find_archived_parents(pg::Spi &spi, const catalog::ForeignKey &key,
                                             const rows::RowSet &found) {
    std::map<RowId, RowId> parents;
    const std::vector<rows::RowLink> links = rows::find_parents(spi, catalog::between_archives(key), found);
    if (links.empty()) {
        return parents;
    }
    rows::RowSet all;
    for (const rows::RowLink &link : links) {
        all.add(link.parent);
    }
    const std::map<RowId, Archived> children = read_archived(spi, key.child, found);
    const std::map<RowId, Archived> archived = read_archived(spi, key.parent, all);
    for (const rows::RowLink &link : links) {
        const Archived &child = children.at(link.child);
        const Archived &parent = archived.at(link.parent);
        const bool is_same = !child.deletion.empty() && child.deletion == parent.deletion;
        if (!is_same && parent.at < child.at) {
            continue; // was gone by then
        }
        auto [known, is_new] = parents.try_emplace(link.child, link.parent);
        const Archived &before = archived.at(known->second);
        if (!is_new && (is_same || (before.deletion != child.deletion && parent.at < before.at))) {
            known->second = link.parent;
        }
    }
    return parents;
}
} // namespace

std::map<RowId, std::string> read_deletions(pg::Spi &spi, const catalog::TableInfo &table,
                                            const rows::RowSet &rows) {
    std::map<RowId, std::string> deletions;
    const std::string query =
        sqltext::format("/* softdelete */ SELECT t.tableoid, t.ctid, %4% FROM %1% AS t WHERE %2% "
                        "AND %3% AND %4% IS NOT NULL",
                        table.name, rows::see_all(table, "t"), rows::make_membership(table, "t", 1),
                        registry::make_deletion_of("t.deletion_id"));
    pg::OwnerScope owner(table.owner);
    for (const pg::Row &row : spi.query(query, {rows.tables(), rows.positions()})) {
        deletions.emplace(rows::read_row_id(row), row.text(2));
    }
    return deletions;
}

bool is_same_deletion(const std::map<RowId, std::string> &some, const RowId &one,
                      const std::map<RowId, std::string> &others, const RowId &other) {
    auto mine = some.find(one);
    auto its = others.find(other);
    return mine != some.end() && its != others.end() && mine->second == its->second;
}

rows::RowSet find_others_children(pg::Spi &spi, const catalog::ForeignKey &key, const rows::RowSet &found,
                                  const std::function<bool(const RowId &)> &is_known) {
    rows::RowSet others;
    if (!key.parent.archive || found.empty()) {
        return others;
    }
    const std::map<RowId, RowId> archived = find_archived_parents(spi, key, found);
    for (const auto &[child, parent] : archived) {
        if (!is_known(parent)) {
            others.add(child);
        }
    }
    for (const rows::RowLink &link : rows::find_parents(spi, catalog::of_archived_children(key), found)) {
        if (!archived.contains(link.child) && !is_known(link.parent)) {
            others.add(link.child);
        }
    }
    return others;
}

} // namespace softdelete::erasure
