// restore() of a row in an archive: collects the rows to move, so that those wait that would miss a parent, and moves them.
// Called by restore_tree.cpp.
#include "restore/archived_rows.hpp"

#include "catalog/foreign_keys.hpp"
#include "deletion/restored_deletions.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "restore/restore_privileges.hpp"
#include "rows/key_statement.hpp"
#include "rows/named_row.hpp"
#include "rows/row_set.hpp"
#include "sqltext/format.hpp"

#include <deque>
#include <map>

namespace softdelete::restore {

namespace {

using catalog::ForeignKey;
using catalog::TableInfo;

// Rows of one archive that are to come back.
struct ArchiveBranch {
    TableInfo table;
    rows::RowSet rows;
    std::vector<ForeignKey> own;
};

class ArchivedTree {
public:
    ArchivedTree(pg::Spi &spi, const TableInfo &root, const std::vector<std::string> &key)
        : spi_(spi)
        , root_(root)
        , key_(key) {}

    std::uint64_t run() {
        if (!find_root()) {
            return 0;
        }
        collect_descendants();
        std::uint64_t waiting = drop_waiting();
        std::uint64_t restored = move_all();
        if (waiting > 0) {
            const sqltext::Pattern form =
                waiting == 1 ? sqltext::Pattern(
                    "%1% row below it waits in deletion %2% until its other parents are back")
                             : sqltext::Pattern(
                                 "%1% rows below it wait in deletion %2% until their other parents are back");
            pg::notice(sqltext::format(form, waiting, deletion_));
        }
        deletion::look_at_restored(std::stoll(deletion_));
        return restored;
    }

private:
    // False where the row is live and none with that key is archived.
    bool find_root() {
        catalog::KeyLookup lookup = catalog::get_key_lookup(spi_, root_, key_);
        std::string query = sqltext::format(
            "/* softdelete */ SELECT a.tableoid, a.ctid, a.deletion_id, a.%1% FROM %2% AS a WHERE %3% "
            "ORDER BY a.%1% DESC, a.ctid DESC LIMIT 1 FOR UPDATE",
            root_.archive->deleted_at, root_.archive->name, lookup.condition);
        pg::OwnerScope owner(root_.owner);
        pg::ExactTextScope exact;
        std::vector<pg::Row> found = spi_.query(query, lookup.values);
        if (found.empty()) {
            std::string live =
                sqltext::format("/* softdelete */ SELECT FROM %1% WHERE %2%", root_.name, lookup.condition);
            if (spi_.query(live, lookup.values).empty()) {
                rows::raise_no_such_row(root_, key_);
            }
            return false;
        }
        deletion_ = found.front().text(2);
        deleted_at_ = found.front().text(3);
        root_row_ = rows::read_row_id(found.front());
        get_branch(root_).rows.add(root_row_);
        return true;
    }

    ArchiveBranch &get_branch(const TableInfo &table) {
        auto [place, is_new] = branches_.try_emplace(table.relation);
        if (is_new) {
            place->second.table = table;
            place->second.own = catalog::find_own_keys(spi_, table.relation);
        }
        return place->second;
    }

    void collect_descendants() {
        std::deque<std::pair<Oid, rows::RowSet>> work = {{root_.relation, branches_.at(root_.relation).rows}};
        while (!work.empty()) {
            auto [relation, parents] = std::move(work.front());
            work.pop_front();
            for (const ForeignKey &key : catalog::find_referencing_keys(spi_, relation)) {
                if (key.on_delete != catalog::OnDelete::cascade || !key.child.archive) {
                    continue;
                }
                rows::RowSet added;
                for (const rows::RowId &child : find_children(key, parents)) {
                    if (get_branch(key.child).rows.add(child)) {
                        added.add(child);
                    }
                }
                if (!added.empty()) {
                    work.emplace_back(key.child.relation, std::move(added));
                }
            }
        }
    }

    std::vector<rows::RowId> find_children(const ForeignKey &key, const rows::RowSet &parents) {
        if (!catalog::has_one_owner(key)) {
            pg::raise({.sqlstate = ERRCODE_FEATURE_NOT_SUPPORTED,
                       .message = sqltext::format("cannot restore a row of table %1% with its descendants in "
                                                  "table %2%, which belongs to another role, yet",
                                                  key.parent.title, key.child.title),
                       .hint = sqltext::format("Bring back the whole deletion with softdelete.undo(%1%).",
                                               deletion_),
                       .relation = key.child.relation});
        }
        std::string query = sqltext::format(
            "/* softdelete */ SELECT c.tableoid, c.ctid FROM %1% AS c, %2% AS p WHERE %3% AND %4% AND "
            "c.deletion_id = $3::pg_catalog.int8 AND c.%5% = $4::pg_catalog.timestamptz FOR UPDATE OF c",
            key.child.archive->name, key.parent.archive->name,
            rows::make_membership(catalog::get_archive(key.parent), "p", 1), key.comparison,
            key.child.archive->deleted_at);
        std::vector<rows::RowId> children;
        for (const pg::Row &row : rows::read_key(
                 spi_, key, query, {parents.tables(), parents.positions(), deletion_, deleted_at_})) {
            children.push_back(rows::read_row_id(row));
        }
        return children;
    }

    // Takes rows out of the sets that would miss a parent, and so those below them. Raises where that is the row asked for.
    std::uint64_t drop_waiting() {
        std::uint64_t count = 0;
        for (bool is_changed = true; is_changed;) {
            is_changed = false;
            for (auto &[relation, branch] : branches_) {
                for (const ForeignKey &key : branch.own) {
                    for (const rows::RowId &row : find_orphans(branch, key)) {
                        if (row == root_row_) {
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

    // Those whose parent by the key is neither live nor comes back. The server finds those of tables of other owners.
    std::vector<rows::RowId> find_orphans(const ArchiveBranch &branch, const ForeignKey &key) {
        std::vector<rows::RowId> orphans;
        if (branch.rows.empty() || !catalog::has_one_owner(key)) {
            return orphans;
        }
        auto parents = branches_.find(key.parent.relation);
        const rows::RowSet none;
        const rows::RowSet &restored = parents == branches_.end() ? none : parents->second.rows;
        std::string comes_back =
            !key.parent.archive
                ? ""
                : sqltext::format(" AND NOT EXISTS (SELECT FROM %1% AS p WHERE %2% AND %3%)",
                                  key.parent.archive->name, key.comparison,
                                  rows::make_membership(catalog::get_archive(key.parent), "p", 3));
        std::string live =
            key.parent.is_registered ? sqltext::format(" AND p.%1% IS NULL", key.parent.deleted_at) : "";
        std::string query = sqltext::format(
            "/* softdelete */ SELECT c.tableoid, c.ctid FROM %1% AS c WHERE %2%%3% AND NOT EXISTS (SELECT "
            "FROM %4% AS p WHERE %5%%6%)%7%",
            branch.table.archive->name, rows::make_membership(catalog::get_archive(branch.table), "c", 1),
            make_linked(key.child_link.names), key.parent.key_rows(), key.comparison, live, comes_back);
        std::vector<pg::Parameter> parameters = {branch.rows.tables(), branch.rows.positions()};
        if (key.parent.archive) {
            parameters.push_back(restored.tables());
            parameters.push_back(restored.positions());
        }
        for (const pg::Row &row : rows::read_key(spi_, key, query, parameters)) {
            orphans.push_back(rows::read_row_id(row));
        }
        return orphans;
    }

    [[noreturn]] void raise_orphan(const ForeignKey &key) {
        bool may_show = pg::call([&] { return pg::may_show_values(key.child.relation); });
        std::string query =
            sqltext::format("/* softdelete */ SELECT pg_catalog.concat_ws(', ', %1%) FROM %2% AS c WHERE %3%",
                            key.child_values, key.child.archive->name,
                            rows::make_identity(catalog::get_archive(key.child), "c", 1));
        std::string values =
            rows::read_key(spi_, key, query, {root_row_.table_parameter(), root_row_.position_parameter()})
                .front()
                .text(0);
        pg::raise({.sqlstate = ERRCODE_FOREIGN_KEY_VIOLATION,
                   .message = sqltext::format("cannot restore a row of table %1% below a deleted row of "
                                              "table %2%",
                                              key.child.title, key.parent.title),
                   .detail = may_show
                                 ? sqltext::format("Key (%1%)=(%2%) refers to a row of table %3% that is "
                                                   "not there.",
                                                   key.child_columns, values, key.parent.title)
                                 : "",
                   .hint = sqltext::format("Restore the row of table %1% first, or bring back the whole "
                                           "deletion with softdelete.undo(%2%).",
                                           key.parent.title, deletion_),
                   .relation = key.child.relation});
    }

    std::uint64_t move_all() {
        std::map<Oid, std::vector<ForeignKey>> keys;
        for (const auto &[relation, branch] : branches_) {
            keys[relation] = branch.own;
        }
        std::uint64_t restored = 0;
        for (Oid relation : order_tables(keys)) {
            const ArchiveBranch &branch = branches_.at(relation);
            if (!branch.rows.empty()) {
                restored += move_back(spi_, branch.table, deletion_,
                                      rows::make_membership(catalog::get_archive(branch.table), "a", 1),
                                      {branch.rows.tables(), branch.rows.positions()});
            }
        }
        return restored;
    }

    pg::Spi &spi_;
    const TableInfo &root_;
    const std::vector<std::string> &key_;
    std::string deletion_;
    std::string deleted_at_;
    rows::RowId root_row_ = {};
    std::map<Oid, ArchiveBranch> branches_;
};

} // namespace

std::uint64_t restore_archived_row(pg::Spi &spi, const TableInfo &table,
                                   const std::vector<std::string> &key) {
    check_may_update(spi, {table}, {});
    check_not_restricted(spi, {table}, {});
    return ArchivedTree(spi, table, key).run();
}

} // namespace softdelete::restore
