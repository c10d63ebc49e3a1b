// Collects rows level by level, from archive to archive, and moves them, referenced ones first. Each table is read as its
// owner (rows/follow_links). Called by restore_tree.cpp and restore_archived_row.cpp.
#include "restore/archived_tree.hpp"

#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "restore/archived_rows.hpp"
#include "restore/lost_links.hpp"
#include "restore/move_back.hpp"
#include "rows/follow_links.hpp"
#include "sqltext/format.hpp"

namespace softdelete::restore {

namespace {

using catalog::ForeignKey;
using catalog::TableInfo;

// Has a row that comes back to have a live parent by the key? SET NULL and SET DEFAULT leave it the link to a deleted one.
bool needs_live_parent(const ForeignKey &key) {
    return key.parent.is_registered && catalog::binds(key.on_delete);
}

std::string make_live(const ForeignKey &key) {
    return needs_live_parent(key) ? sqltext::format(" AND p.%1% IS NULL", key.parent.deleted_at) : "";
}

} // namespace

ArchivedTree::ArchivedTree(pg::Spi &spi, std::int64_t deletion)
    : spi_(spi)
    , deletion_(std::to_string(deletion)) {}

void ArchivedTree::add_root(const TableInfo &table, const rows::RowId &row) {
    root_ = row;
    root_table_ = table.relation;
    rows::RowSet rows;
    rows.add(row);
    add(table, rows);
    collect();
}

void ArchivedTree::add_below(const ForeignKey &key, const rows::RowSet &parents) {
    add(key.child, find_children(key, catalog::of_archived_children(key), parents));
    collect();
}

ArchivedTree::Branch &ArchivedTree::get_branch(const TableInfo &table) {
    auto [place, is_new] = branches_.try_emplace(table.relation);
    if (is_new) {
        place->second.table = table;
        place->second.own = catalog::find_own_keys(spi_, table.relation);
    }
    return place->second;
}

void ArchivedTree::add(const TableInfo &table, const rows::RowSet &found) {
    rows::RowSet fresh;
    for (const rows::RowId &row : found.ids()) {
        if (get_branch(table).rows.add(row)) {
            fresh.add(row);
        }
    }
    if (!fresh.empty()) {
        work_.emplace_back(table.relation, std::move(fresh));
    }
}

void ArchivedTree::collect() {
    while (!work_.empty()) {
        auto [relation, parents] = std::move(work_.front());
        work_.pop_front();
        for (const ForeignKey &key : catalog::find_referencing_keys(spi_, relation)) {
            if (is_logged() && key.on_delete == catalog::OnDelete::cascade && key.child.archive) {
                add(key.child, find_children(key, catalog::between_archives(key), parents));
            }
        }
    }
}

std::string ArchivedTree::make_taken(const TableInfo &table) {
    auto place = taken_.find(table.relation);
    if (place == taken_.end()) {
        place = taken_.try_emplace(table.relation, spi_, table, std::stoll(deletion_)).first;
    }
    return place->second.with_literals("c");
}

// archived: the key as the archives have it.
rows::RowSet ArchivedTree::find_children(const ForeignKey &key, const ForeignKey &archived,
                                         const rows::RowSet &parents) {
    if (parents.empty()) {
        return {};
    }
    return rows::find_children(spi_, archived, parents,
                               sqltext::format(" AND %1% FOR UPDATE OF c", make_taken(key.child)));
}

// One transaction may remove a row, add it again and remove it again: the last one went with the rows above it. A command's
// number tells, as long as it is kept, else the place.
void ArchivedTree::drop_former(Branch &branch) {
    std::vector<std::string> key;
    for (const catalog::KeyColumn &column : catalog::find_primary_key(spi_, branch.table.relation)) {
        key.push_back("a." + column.name + column.cast);
    }
    if (key.empty() || branch.rows.size() < 2) {
        return;
    }
    const TableInfo archive = rows::narrow_to_partition(catalog::get_archive(branch.table), branch.rows);
    std::string query =
        sqltext::format("/* softdelete */ SELECT f.tableoid, f.ctid FROM (SELECT a.tableoid, "
                        "a.ctid, pg_catalog.row_number() OVER "
                        "(PARTITION BY %1% ORDER BY CAST(CAST(a.cmin AS pg_catalog.text) AS "
                        "pg_catalog.int8) DESC, a.ctid DESC) AS "
                        "place FROM %2% AS a WHERE %3%) AS f WHERE f.place > 1",
                        sqltext::join(key, ", "), archive.name, rows::make_membership(archive, "a", 1));
    pg::OwnerScope owner(branch.table.owner);
    for (const pg::Row &row : spi_.query(query, {branch.rows.tables(), branch.rows.positions()})) {
        branch.rows.remove(rows::read_row_id(row));
    }
}

// A parent that is live now stays so until we are through.
void ArchivedTree::lock_live_parents() {
    for (const auto &[relation, branch] : branches_) {
        for (const ForeignKey &key : branch.own) {
            if (needs_live_parent(key) && !branch.rows.empty()) {
                (void)rows::find_parents(spi_, catalog::of_archived_children(key), branch.rows,
                                         make_live(key) + " FOR KEY SHARE OF p");
            }
        }
    }
}

std::uint64_t ArchivedTree::drop_waiting() {
    for (auto &[relation, branch] : branches_) {
        drop_former(branch);
    }
    // Rows that wait come back later, when nothing tells any more that there were several.
    for (const auto &[relation, branch] : branches_) {
        for (const ForeignKey &key : branch.own) {
            check_parents_told(branch, key);
        }
    }
    lock_live_parents();
    std::uint64_t count = 0;
    for (bool is_changed = true; is_changed;) {
        is_changed = false;
        for (auto &[relation, branch] : branches_) {
            for (const ForeignKey &key : branch.own) {
                const rows::RowSet orphans = find_orphans(branch, key);
                for (const rows::RowId &row : orphans.ids()) {
                    if (root_ && row == *root_) {
                        raise_orphan(key);
                    }
                    branch.rows.remove(row);
                    is_changed = true;
                    count++;
                }
            }
        }
    }
    return count;
}

// One transaction may remove a row with what is below it, add others under the same keys and remove these: archives do not
// know what was below which. A row that references itself was below no other.
void ArchivedTree::check_parents_told(const Branch &branch, const ForeignKey &key) {
    auto parents = branches_.find(key.parent.relation);
    if (!is_logged() || branch.rows.empty() || !key.parent.archive || parents == branches_.end()
        || parents->second.rows.empty()) {
        return;
    }

    struct Found {
        std::size_t count = 0;
        bool comes_back = false;
        bool is_itself = false;
    };

    std::map<rows::RowId, Found> above;
    for (const rows::RowLink &link : rows::find_parents(spi_, catalog::between_archives(key), branch.rows,
                                                        " AND p.deletion_id = " + deletion_)) {
        Found &found = above[link.child];
        found.count++;
        found.comes_back = found.comes_back || parents->second.rows.contains(link.parent);
        found.is_itself = found.is_itself || link.parent == link.child;
    }
    for (const auto &[child, found] : above) {
        if (found.count > 1 && found.comes_back && !found.is_itself) {
            raise_parent_untold(key, child);
        }
    }
}

// Those whose parent by the key neither is there nor comes back. Not those with a link that is lost, and that they come back without.
rows::RowSet ArchivedTree::find_orphans(const Branch &branch, const ForeignKey &key) {
    rows::RowSet orphans = find_linked(spi_, branch.table, key, branch.rows);
    if (orphans.empty()) {
        return orphans;
    }
    for (const rows::RowLink &link :
         rows::find_parents(spi_, catalog::of_archived_children(key), branch.rows, make_live(key))) {
        orphans.remove(link.child);
    }
    if (!orphans.empty() && !catalog::binds(key.on_delete)) {
        const rows::RowSet lost = find_lost_links(spi_, key, orphans);
        for (const rows::RowId &row : lost.ids()) {
            orphans.remove(row);
        }
    }
    auto parents = branches_.find(key.parent.relation);
    if (orphans.empty() || !key.parent.archive || parents == branches_.end()) {
        return orphans;
    }
    for (const rows::RowLink &link : rows::find_parents(spi_, catalog::between_archives(key), branch.rows)) {
        if (parents->second.rows.contains(link.parent)) {
            orphans.remove(link.child);
        }
    }
    return orphans;
}

void ArchivedTree::raise_orphan(const ForeignKey &key) {
    bool may_show = pg::call([&] { return pg::may_show_values(key.child.relation); });
    std::string values = rows::read_link(spi_, catalog::of_archived_children(key), *root_);
    pg::raise(
        {.sqlstate = ERRCODE_FOREIGN_KEY_VIOLATION,
         .message = sqltext::format("cannot restore a row of table %1% below a deleted row of "
                                    "table %2%",
                                    key.child.title, key.parent.title),
         .detail = may_show ? sqltext::format("Key (%1%)=(%2%) refers to a row of table %3% that is "
                                              "not there.",
                                              key.child_columns, values, key.parent.title)
                            : "",
         .hint = sqltext::format("Restore the row of table %1% first%2%.", key.parent.title,
                                 (is_logged() ? sqltext::format(", or bring back the whole deletion with "
                                                                "softdelete.undo(%1%)",
                                                                deletion_)
                                              : "")),
         .relation = key.child.relation});
}

void ArchivedTree::raise_parent_untold(const ForeignKey &key, const rows::RowId &child) {
    bool may_show = pg::call([&] { return pg::may_show_values(key.child.relation); });
    std::string named = key.child_columns;
    if (may_show) {
        named = sqltext::format("%1%)=(%2%", named,
                                rows::read_link(spi_, catalog::of_archived_children(key), child));
    }
    pg::raise(
        {.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
         .message = sqltext::format("cannot restore rows of table %1% below one of table %2% that the same "
                                    "transaction deleted several times",
                                    key.child.title, key.parent.title),
         .detail = sqltext::format("Key (%1%) refers to several rows of table %2% in deletion %3%. Which of "
                                   "them the row of table %4% was below is not known.",
                                   named, key.parent.title, deletion_, key.child.title),
         .hint = sqltext::format("Insert the row of table %1% that is meant by hand, from its archive %2%. "
                                 "Then restore the rows below it by their keys.",
                                 key.parent.title, key.parent.archive->name),
         .relation = key.child.relation});
}

deletion::RestoredRows ArchivedTree::move_all() {
    std::map<Oid, std::vector<ForeignKey>> keys;
    for (const auto &[relation, branch] : branches_) {
        keys[relation] = branch.own;
    }
    deletion::RestoredRows restored;
    for (const rows::TableGroup &group : rows::order_tables(keys)) {
        restored.merge(move(group));
    }
    return restored;
}

deletion::RestoredRows ArchivedTree::move(const rows::TableGroup &group) {
    std::vector<ArchivePart> parts;
    std::vector<pg::Parameter> parameters;
    RestoreAs role = RestoreAs::owner;
    for (Oid relation : group.tables) {
        Branch &branch = branches_.at(relation);
        end_lost_links(spi_, branch.table, branch.own, &branch.rows);
        if (branch.rows.empty()) {
            continue;
        }
        const TableInfo archive = rows::narrow_to_partition(catalog::get_archive(branch.table), branch.rows);
        parts.push_back({&branch.table, archive.name,
                         rows::make_membership(archive, "a", static_cast<int>(parameters.size()) + 1)});
        parameters.push_back(branch.rows.tables());
        parameters.push_back(branch.rows.positions());
        role = relation == root_table_ ? RestoreAs::caller : role;
    }
    return parts.empty()
               ? deletion::RestoredRows()
               : move_back(spi_, parts, role, std::stoll(deletion_), group.is_circle_cut, parameters);
}

} // namespace softdelete::restore
