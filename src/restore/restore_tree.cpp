// restore(): collects what the deletion of a row took below it, drops what has a parent that stays deleted with all
// below that, and updates the rest; restore/archived_tree does the same for what went to archives. Both are work lists, never recursion, which settles diamonds, cycles and chains of
// any depth. Called by api/deletions.
#include "restore/restore_tree.hpp"
#include "sqltext/format.hpp"

#include "catalog/foreign_keys.hpp"
#include "catalog/linked_tables.hpp"
#include "deletion/deletion_tables.hpp"
#include "deletion/restored_deletions.hpp"
#include "pg/called_settings.hpp"
#include "registry/deletion_ids.hpp"
#include "registry/place_lock.hpp"
#include "restore/archived_rows.hpp"
#include "restore/archived_tree.hpp"
#include "restore/restore_errors.hpp"
#include "restore/restore_order.hpp"
#include "restore/restore_statement.hpp"
#include "restore/taken_children.hpp"
#include "rows/follow_links.hpp"
#include "rows/named_row.hpp"
#include "session/own_statement.hpp"

extern "C" {
#include "catalog/pg_type.h"
}

#include <algorithm>
#include <deque>
#include <map>
#include <optional>

namespace softdelete::restore {

namespace {

using catalog::ForeignKey;
using catalog::TableInfo;

// What is to come back of one table; an inheritance child, which has keys of its own, is one for itself.
struct Branch {
    TableInfo table;
    rows::RowSet rows;
    std::vector<ForeignKey> referencing; // CASCADE keys of registered tables that reference it
    std::vector<ForeignKey> archived;    // those of tables with an archive
    std::vector<ForeignKey> own;         // keys of its own that bind, to registered tables
};

// For a few rows a statement takes longer to plan than to run; of many the planner is to know how many they are.
rows::Plan get_plan(const rows::RowSet &rows) {
    return rows.size() <= 100 ? rows::Plan::session : rows::Plan::once;
}

// Rows that have to be followed to their children, by table.
using Work = std::deque<std::pair<Oid, rows::RowSet>>;

class RestoreTree {
public:
    RestoreTree(pg::Spi &spi, const TableInfo &root, const std::vector<std::string> &key)
        : spi_(spi)
        , root_(root)
        , key_(key) {}

    std::uint64_t run() {
        if (!find_root()) {
            return 0;
        }
        if (deletion_) {
            children_.emplace(spi_, *deletion_);
            collect_descendants();
        }
        lock_live_parents();
        std::uint64_t waiting = drop_waiting();
        std::optional<ArchivedTree> archived = collect_archived(); // the update moves the rows above them
        deletion::RestoredRows restored = update();
        if (archived) {
            waiting += archived->drop_waiting();
            restored.merge(archived->move_all());
        }
        if (deletion_) {
            tell_waiting(waiting, std::stoll(*deletion_));
            deletion::add_restored(std::stoll(*deletion_), restored);
        }
        return deletion::count_rows(restored);
    }

private:
    // Locks the row and notes its deletion. False where it is live. Several tables of an inheritance tree may have a row
    // with this key: those come back that went in the newest of their deletions.
    bool find_root() {
        catalog::KeyLookup lookup = catalog::get_key_lookup(spi_, root_, key_);
        std::string query = sqltext::format(
            "/* softdelete */ SELECT t.tableoid, t.ctid, t.%2% IS NULL, NULLIF(%4%, 9223372036854775807), "
            "t.deletion_id < 0 FROM %1% AS t WHERE softdelete.include_deleted(t.%2%) AND %3% "
            "ORDER BY %4% DESC NULLS LAST, t.%2% IS NULL FOR UPDATE",
            root_.name, root_.deleted_at, lookup.condition, registry::make_deletion_of("t.deletion_id"));
        pg::NamedTableScope scope(root_.relation, root_.owner);
        // A policy's functions find what the caller's own statement lets them find.
        session::OwnStatement own(query,
                                  {.reading = session::OwnReading::past_filter, .runs_as_called = true});
        std::vector<pg::Row> rows = find_rows(query, lookup.values);
        if (rows.empty()) {
            rows::raise_no_such_row(root_, key_);
        }
        if (rows.front().boolean(2)) {
            return false;
        }
        deletion_ = rows.front().value(3);
        for (const pg::Row &row : rows) {
            if (row.boolean(2) || row.value(3) != deletion_) {
                break;
            }
            if (row.text_or(4, "f") == "t") {
                is_anonymized_ = true;
                pg::notice(sqltext::format(
                    "a row of table %1% comes back anonymized: its retention had ended", root_.title));
            }
            roots_.add(rows::read_row_id(row));
            get_branch(catalog::get_table(spi_, row.oid(0))).rows.add(rows::read_row_id(row));
        }
        return true;
    }

    // Where a row is takes SELECT on the whole table.
    pg::Rows find_rows(const std::string &query, const std::vector<pg::Parameter> &values) {
        try {
            return spi_.query(query, values);
        } catch (pg::ServerError &error) {
            if (error.sqlstate() == ERRCODE_INSUFFICIENT_PRIVILEGE && !error.has_hint()) {
                error.clear_context();
                error.set_hint("Restoring a row by its key takes UPDATE, and SELECT on the whole table. With "
                               "SELECT on columns, UPDATE "
                               "... SET deleted_at = NULL WHERE ... restores it.");
            }
            throw;
        }
    }

    Branch &get_branch(const TableInfo &table) {
        auto [place, is_new] = branches_.try_emplace(table.relation);
        Branch &branch = place->second;
        if (is_new) {
            branch.table = table;
            for (ForeignKey &key : catalog::find_referencing_keys(spi_, table.relation)) {
                if (key.on_delete == catalog::OnDelete::cascade && key.child.archive) {
                    branch.archived.push_back(key);
                }
                if (key.on_delete == catalog::OnDelete::cascade && key.child.is_registered) {
                    branch.referencing.push_back(std::move(key));
                }
            }
            for (ForeignKey &key : catalog::find_own_keys(spi_, table.relation)) {
                if (catalog::binds_restored(key)) {
                    branch.own.push_back(std::move(key));
                }
            }
        }
        return branch;
    }

    // Below an anonymized row anonymized ones come back as well: in a circle each is below the other.
    void collect_descendants() {
        const Children wanted = is_anonymized_ ? Children::with_anonymized : Children::restorable;
        Work work;
        for (const auto &[relation, branch] : branches_) {
            work.emplace_back(relation, branch.rows);
        }
        while (!work.empty()) {
            auto [relation, parents] = std::move(work.front());
            work.pop_front();
            for (const ForeignKey &key : branches_.at(relation).referencing) {
                rows::RowSet found;
                for (rows::RowId &child : children_->find(key, parents, wanted)) {
                    if (get_branch(key.child).rows.add(child)) {
                        found.add(std::move(child));
                    }
                }
                if (!found.empty()) {
                    work.emplace_back(key.child.relation, std::move(found));
                }
            }
        }
    }

    // A parent that is live now stays so until we are through.
    void lock_live_parents() {
        for (auto &[relation, branch] : branches_) {
            for (const ForeignKey &key : branch.own) {
                if (!catalog::has_one_owner(key)) {
                    (void)rows::find_parents(
                        spi_, key, branch.rows,
                        sqltext::format(" AND p.%1% IS NULL FOR KEY SHARE OF p", key.parent.deleted_at));
                    continue;
                }
                std::string query = sqltext::format(
                    "/* softdelete */ SELECT FROM %1% AS p WHERE p.%2% IS NULL AND EXISTS (SELECT FROM "
                    "%3% AS c WHERE softdelete.include_deleted(c.%4%) AND %5% AND %6%) FOR KEY SHARE OF "
                    "p",
                    key.parent.key_rows(), key.parent.deleted_at, key.child.key_rows(), key.child.deleted_at,
                    key.link, rows::make_membership(key.child, "c", 1));
                rows::execute_key(spi_, key, query, {branch.rows.tables(), branch.rows.positions()},
                                  get_plan(branch.rows));
            }
        }
    }

    // Takes rows out of the sets whose parent stays deleted, and the rows below them. Returns how many. Raises where that
    // is the row asked for.
    std::uint64_t drop_waiting() {
        std::uint64_t count = 0;
        Work work;
        for (auto &[relation, branch] : branches_) {
            for (const ForeignKey &key : branch.own) {
                count += drop(branch, key, find_below_deleted(branch, key), &work);
            }
        }
        while (!work.empty()) {
            auto [parent, parents] = std::move(work.front());
            work.pop_front();
            for (auto &[relation, branch] : branches_) {
                for (const ForeignKey &key : branch.own) {
                    if (key.parent.relation == parent) {
                        count += drop(branch, key, children_->find(key, parents, Children::taken), &work);
                    }
                }
            }
        }
        return count;
    }

    // Takes these rows, which wait for their parent by the key, out of the branch as far as they are there. What is below
    // them is left to the work list.
    std::uint64_t drop(Branch &branch, const ForeignKey &key, const std::vector<rows::RowId> &rows,
                       Work *work) {
        rows::RowSet dropped;
        for (const rows::RowId &row : rows) {
            if (roots_.contains(row)) {
                raise_waiting_root(key, row);
            }
            if (branch.rows.remove(row)) {
                dropped.add(row);
            }
        }
        std::uint64_t count = dropped.size();
        if (count > 0) {
            work->emplace_back(branch.table.relation, std::move(dropped));
        }
        return count;
    }

    // Those of the rows to come back whose parent by that key is deleted and does not.
    std::vector<rows::RowId> find_below_deleted(const Branch &branch, const ForeignKey &key) {
        auto parents = branches_.find(key.parent.relation);
        const rows::RowSet none;
        const rows::RowSet &restored = parents == branches_.end() ? none : parents->second.rows;
        std::vector<rows::RowId> found;
        if (!catalog::has_one_owner(key)) {
            for (const rows::RowLink &link :
                 rows::find_parents(spi_, key, branch.rows,
                                    sqltext::format(" AND p.%1% IS NOT NULL", key.parent.deleted_at))) {
                if (!restored.contains(link.parent)) {
                    found.push_back(link.child);
                }
            }
            return found;
        }
        std::string query = sqltext::format(
            "/* softdelete */ SELECT c.tableoid, c.ctid FROM %1% AS c %2% "
            "WHERE softdelete.include_deleted(c.%3%) AND p.%4% IS NOT NULL "
            "AND %5% AND %6% AND NOT (c.tableoid = p.tableoid AND c.ctid = p.ctid)",
            key.child.key_rows(), catalog::join_parent(key), key.child.deleted_at, key.parent.deleted_at,
            rows::make_membership(key.child, "c", 1), rows::make_exclusion("p", 3));
        for (const pg::Row &row : rows::read_key(
                 spi_, key, query,
                 {branch.rows.tables(), branch.rows.positions(), restored.tables(), restored.positions()},
                 get_plan(branch.rows))) {
            found.push_back(rows::read_row_id(row));
        }
        return found;
    }

    [[noreturn]] void raise_waiting_root(const ForeignKey &key, const rows::RowId &row) {
        // undo() would leave an anonymized row where it is.
        raise_parent_deleted(key, rows::read_link(spi_, key, row), is_anonymized_ ? std::nullopt : deletion_);
    }

    // What the deletion took to archives below the rows that come back.
    std::optional<ArchivedTree> collect_archived() {
        std::optional<ArchivedTree> tree;
        for (const auto &[relation, branch] : branches_) {
            for (const ForeignKey &key : branch.archived) {
                if (deletion_ && !tree) {
                    tree.emplace(spi_, std::stoll(*deletion_));
                }
                if (tree) {
                    tree->add_below(key, branch.rows);
                }
            }
        }
        return tree;
    }

    deletion::RestoredRows update() {
        // The caller's statement names the table that he named.
        rows::RowSet of_root;
        rows::RowSet all;
        std::vector<TableInfo> tables = {root_};
        const std::vector<Oid> heirs = catalog::find_heirs(spi_, root_.relation);
        auto is_heir = [&](Oid relation) {
            return std::find(heirs.begin(), heirs.end(), relation) != heirs.end();
        };
        for (const auto &[relation, branch] : branches_) {
            all.add_all(branch.rows);
            if (is_heir(relation)) {
                of_root.add_all(branch.rows);
            } else if (!branch.rows.empty()) {
                tables.push_back(branch.table);
            }
        }
        ComingBackScope coming_back(deletion_ ? std::stoll(*deletion_) : 0, &all);
        deletion::RestoredRows restored;
        for (const RestorePart &part : make_parts(tables, of_root)) {
            const TableInfo &table = tables[part.table];
            restored[table.relation] +=
                update_part(table, part.table == 0 ? RestoreAs::caller : RestoreAs::owner, part.rows);
        }
        check_all_restored(spi_, tables, deletion_, all);
        return restored;
    }

    // The root's table is the first.
    std::vector<RestorePart> make_parts(const std::vector<TableInfo> &tables, const rows::RowSet &of_root) {
        auto get_rows = [&](std::size_t i) {
            return i == 0 ? of_root : branches_.at(tables[i].relation).rows;
        };
        std::vector<RestorePart> parts;
        if (!deletion_ || !is_order_seen(tables)) {
            for (std::size_t i = 0; i < tables.size(); i++) {
                parts.push_back({i, get_rows(i)});
            }
            return parts;
        }
        std::map<Oid, std::size_t> places = get_places();
        RestoreOrder order(spi_);
        for (std::size_t i = 0; i < tables.size(); i++) {
            auto place = places.find(tables[i].relation);
            order.add(i, place == places.end() ? places.size() : place->second, tables[i], get_rows(i));
        }
        return order.make_parts();
    }

    // As the deletion came to the tables. One that is not logged has come with data from elsewhere.
    std::map<Oid, std::size_t> get_places() {
        std::map<Oid, std::size_t> places;
        if (deletion::is_logged(spi_, std::stoll(*deletion_))) {
            for (const TableInfo &table :
                 deletion::get_deletion_tables(spi_, std::stoll(*deletion_), deletion::DeletionLock::none)
                     .marked) {
                places.emplace(table.relation, places.size());
            }
        }
        return places;
    }

    std::uint64_t update_part(const TableInfo &table, RestoreAs role, const rows::RowSet &rows) {
        if (rows.empty()) {
            return 0;
        }
        std::uint64_t count = update_rows(spi_, table, role, deletion_, rows);
        if (count != rows.size()) {
            raise_not_all_restored(table);
        }
        return count;
    }

    pg::Spi &spi_;
    const TableInfo root_;
    const std::vector<std::string> &key_;
    rows::RowSet roots_;         // in the named table, or in inheritance children
    bool is_anonymized_ = false; // one of them, when its retention ended
    // Empty for a row deleted before its table was registered, which comes back alone.
    std::optional<std::string> deletion_;
    std::optional<ChildFinder> children_;
    std::map<Oid, Branch> branches_;
};

} // namespace

std::uint64_t restore_row(Oid relation, const std::vector<std::string> &key) {
    pg::Spi spi;
    pg::call([] { registry::keep_rows_in_place(); });
    TableInfo table = catalog::get_soft_table(spi, relation);
    catalog::lock_linked_tables(spi, table.relation);
    const bool is_archived = table.archive && (!table.is_registered || has_moved_row(spi, table, key));
    auto restored = is_archived ? restore_archived_row(spi, table, key) : RestoreTree(spi, table, key).run();
    pg::call([] { deletion::finish_restored_deletions(true); });
    return restored;
}

} // namespace softdelete::restore
