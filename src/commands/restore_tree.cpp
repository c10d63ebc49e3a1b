// Restore of a row: collect what its deletion took below it, drop what has a parent that stays deleted, update the rest.
// Rows are dropped until nothing changes, which also settles diamonds and cycles.
#include "commands/restore_tree.hpp"

#include "catalog/foreign_keys.hpp"
#include "commands/key_reader.hpp"
#include "commands/restore_errors.hpp"
#include "commands/restored_deletions.hpp"
#include "commands/row_set.hpp"
#include "pg/scopes.hpp"
#include "planner/own_statement.hpp"

extern "C" {
#include "catalog/pg_type.h"
}

#include <boost/format.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>

namespace softdelete::commands {

namespace {

using catalog::ForeignKey;
using catalog::TableInfo;

// What is to come back of one table; an inheritance child, which has keys of its own, is one for itself.
struct Branch {
    TableInfo table;
    RowSet rows;
    std::vector<ForeignKey> referencing; // CASCADE keys of registered tables that reference it
    std::vector<ForeignKey> own;         // keys of its own that bind, to registered tables
};

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
            collect_descendants();
        }
        lock_live_parents();
        std::uint64_t waiting = drop_waiting();
        std::uint64_t restored = update();
        if (waiting > 0) {
            const char *form =
                waiting == 1 ? "%1% row below it waits in deletion %2% until its other parents are back"
                             : "%1% rows below it wait in deletion %2% until their other parents are back";
            pg::notice((boost::format(form) % waiting % *deletion_).str());
        }
        return restored;
    }

private:
    // Locks the row and notes its deletion. False where it is live.
    bool find_root() {
        catalog::KeyLookup lookup = catalog::get_key_lookup(spi_, root_, key_);
        std::string query = (boost::format("/* softdelete */ SELECT t.tableoid, t.ctid, t.%2% IS NULL, "
                                           "NULLIF(pg_catalog.abs(t.deletion_id), 9223372036854775807), "
                                           "t.deletion_id < 0 FROM %1% AS t "
                                           "WHERE softdelete.include_deleted(t.%2%) AND %3% FOR UPDATE")
                             % root_.name % root_.deleted_at % lookup.condition)
                                .str();
        planner::OwnStatementScope scope(query, planner::OwnReading::past_filter);
        std::vector<pg::Row> rows = spi_.query(query, lookup.values);
        if (rows.empty()) {
            raise_no_such_row(root_, key_);
        }
        if (rows.front().boolean(2)) {
            return false;
        }
        deletion_ = rows.front().value(3);
        if (rows.front().text_or(4, "f") == "t") {
            pg::notice((boost::format("a row of table %1% comes back anonymized: its retention had ended")
                        % root_.title)
                           .str());
        }
        root_id_ = {rows.front().text(0), rows.front().text(1)};
        root_table_ = catalog::get_table(spi_, rows.front().oid(0));
        get_branch(root_table_).rows.add(root_id_);
        return true;
    }

    Branch &get_branch(const TableInfo &table) {
        auto [place, is_new] = branches_.try_emplace(table.relation);
        Branch &branch = place->second;
        if (is_new) {
            branch.table = table;
            for (ForeignKey &key : catalog::find_referencing_keys(spi_, table.relation)) {
                if (key.on_delete == catalog::OnDelete::cascade && key.child.is_registered) {
                    branch.referencing.push_back(std::move(key));
                }
            }
            for (ForeignKey &key : catalog::find_own_keys(spi_, table.relation)) {
                if (catalog::binds(key.on_delete) && key.parent.is_registered) {
                    branch.own.push_back(std::move(key));
                }
            }
        }
        return branch;
    }

    void collect_descendants() {
        RowSet root;
        root.add(root_id_);
        std::deque<std::pair<Oid, RowSet>> work;
        work.emplace_back(root_table_.relation, root);
        while (!work.empty()) {
            auto [relation, parents] = std::move(work.front());
            work.pop_front();
            for (const ForeignKey &key : std::vector<ForeignKey>(branches_.at(relation).referencing)) {
                RowSet found = collect_children(key, parents);
                if (!found.empty()) {
                    work.emplace_back(key.child.relation, std::move(found));
                }
            }
        }
    }

    // The children of these parents that went in the same deletion and are not collected yet.
    RowSet collect_children(const ForeignKey &key, const RowSet &parents) {
        // Few parents lead to few children by the foreign key's index; many would be looked through for each child.
        constexpr std::size_t few = 100;
        std::vector<pg::Parameter> parameters = {deletion_, parents.tables(), parents.positions()};
        RowSet found;
        for (const pg::Row &row : parents.size() > few
                                      ? read_key(spi_, key, make_query_by_many(key), parameters)
                                      : query_by_few(key, parameters)) {
            RowSet::RowId id = {row.text(0), row.text(1)};
            if (get_branch(key.child).rows.add(id)) {
                found.add(id);
            }
        }
        return found;
    }

    static std::string make_query_by_many(const ForeignKey &key) {
        return (boost::format(
                    "/* softdelete */ SELECT c.tableoid, c.ctid FROM %1% AS c %2% WHERE c.%3% IS NOT NULL "
                    "AND c.deletion_id = $1::pg_catalog.int8 AND %4% FOR UPDATE OF c")
                % key.child.key_rows() % catalog::join_parent(key) % key.child.deleted_at
                % make_membership(key.parent, "p", 2))
            .str();
    }

    // Parsed once: a deep tree asks it once per level. NOT DISTINCT keeps the planner from reading the whole deletion.
    std::vector<pg::Row> query_by_few(const ForeignKey &key, const std::vector<pg::Parameter> &parameters) {
        auto place = queries_by_few_.find(key.constraint);
        if (place == queries_by_few_.end()) {
            std::string text =
                (boost::format(
                     "/* softdelete */ SELECT c.tableoid, c.ctid FROM %1% AS c WHERE c.%2% IS NOT NULL "
                     "AND c.deletion_id IS NOT DISTINCT FROM $1::pg_catalog.int8 AND EXISTS (SELECT FROM "
                     "%3% AS p WHERE softdelete.include_deleted(p.%4%) AND %5% AND %6%) FOR UPDATE OF c")
                 % key.child.key_rows() % key.child.deleted_at % key.parent.key_rows() % key.parent.deleted_at
                 % key.link % make_membership(key.parent, "p", 2))
                    .str();
            place = queries_by_few_.emplace(key.constraint, KeyStatement(spi_, key, text, parameters)).first;
        }
        return place->second.query(parameters);
    }

    // A parent that is live now stays so until we are through.
    void lock_live_parents() {
        for (auto &[relation, branch] : branches_) {
            for (const ForeignKey &key : branch.own) {
                std::string query =
                    (boost::format(
                         "/* softdelete */ SELECT FROM %1% AS p WHERE p.%2% IS NULL AND EXISTS (SELECT FROM "
                         "%3% AS c WHERE softdelete.include_deleted(c.%4%) AND %5% AND %6%) FOR KEY SHARE OF "
                         "p")
                     % key.parent.key_rows() % key.parent.deleted_at % key.child.key_rows()
                     % key.child.deleted_at % key.link % make_membership(key.child, "c", 1))
                        .str();
                execute_key(spi_, key, query, {branch.rows.tables(), branch.rows.positions()});
            }
        }
    }

    // Takes rows out of the sets whose parent stays deleted. Raises where that is the row asked for.
    std::uint64_t drop_waiting() {
        std::uint64_t dropped = 0;
        bool is_changed = true;
        while (is_changed) {
            is_changed = false;
            for (auto &[relation, branch] : branches_) {
                for (const ForeignKey &key : branch.own) {
                    std::uint64_t count = drop_below_deleted(branch, key);
                    is_changed = is_changed || count > 0;
                    dropped += count;
                }
            }
        }
        return dropped;
    }

    std::uint64_t drop_below_deleted(Branch &branch, const ForeignKey &key) {
        std::string query =
            (boost::format(
                 "/* softdelete */ SELECT c.tableoid, c.ctid, pg_catalog.concat_ws(', ', %1%) FROM %2% AS c "
                 "%3% WHERE softdelete.include_deleted(c.%4%) AND p.%5% IS NOT NULL "
                 "AND %6% AND %7% AND NOT (c.tableoid = p.tableoid AND c.ctid = p.ctid)")
             % key.child_values % key.child.key_rows() % catalog::join_parent(key) % key.child.deleted_at
             % key.parent.deleted_at % make_membership(key.child, "c", 1) % make_exclusion("p", 3))
                .str();
        auto parents = branches_.find(key.parent.relation);
        const RowSet none;
        const RowSet &restored = parents == branches_.end() ? none : parents->second.rows;
        std::uint64_t count = 0;
        for (const pg::Row &row : read_key(
                 spi_, key, query,
                 {branch.rows.tables(), branch.rows.positions(), restored.tables(), restored.positions()})) {
            RowSet::RowId id = {row.text(0), row.text(1)};
            if (id == root_id_) {
                raise_parent_deleted(key, row.text_or(2, ""), deletion_);
            }
            if (branch.rows.contains(id)) {
                branch.rows.remove(id);
                count++;
            }
        }
        return count;
    }

    std::uint64_t update() {
        RestoringScope scope;
        // The caller's statement names the table that he named.
        RowSet of_root;
        const std::vector<Oid> heirs = catalog::find_heirs(spi_, root_.relation);
        auto is_heir = [&](Oid relation) {
            return std::find(heirs.begin(), heirs.end(), relation) != heirs.end();
        };
        for (const auto &[relation, branch] : branches_) {
            if (is_heir(relation)) {
                of_root.add_all(branch.rows);
            }
        }
        std::uint64_t restored = update_rows(root_, of_root, RestoreAs::caller);
        for (const auto &[relation, branch] : branches_) {
            if (!is_heir(relation)) {
                restored += update_rows(branch.table, branch.rows, RestoreAs::owner);
            }
        }
        return restored;
    }

    std::uint64_t update_rows(const TableInfo &table, const RowSet &rows, RestoreAs role) {
        if (rows.empty()) {
            return 0;
        }
        std::string statement = (boost::format("/* softdelete */ UPDATE %1% AS t SET %2% = NULL WHERE %3%")
                                 % table.name % table.deleted_at % make_membership(table, "t", 1))
                                    .str();
        std::uint64_t count =
            execute_restore(spi_, table, role, deletion_, statement, {rows.tables(), rows.positions()});
        if (count != rows.size()) {
            raise_not_all_restored(table);
        }
        return count;
    }

    pg::Spi &spi_;
    const TableInfo root_;
    const std::vector<std::string> &key_;
    RowSet::RowId root_id_;
    TableInfo root_table_;                // that the row is in: the named one, or an inheritance child
    std::optional<std::string> deletion_; // empty for a row deleted before its table was registered
    std::map<Oid, Branch> branches_;
    std::map<Oid, KeyStatement> queries_by_few_; // by foreign key
};

} // namespace

std::uint64_t restore_row(Oid relation, const std::vector<std::string> &key) {
    pg::Spi spi;
    TableInfo table = catalog::get_registered_table(spi, relation);
    std::uint64_t restored = RestoreTree(spi, table, key).run();
    pg::call([] { finish_restored_deletions(); });
    return restored;
}

} // namespace softdelete::commands
