// Walks the tree level by level, breadth first, over live rows.
#include "commands/preview_delete.hpp"

#include "catalog/foreign_keys.hpp"
#include "commands/cascaded_tables.hpp"
#include "commands/key_reader.hpp"
#include "commands/restore_errors.hpp"
#include "commands/row_set.hpp"
#include "pg/scopes.hpp"

#include <boost/format.hpp>

#include <deque>
#include <map>

namespace softdelete::commands {

namespace {

using catalog::ForeignKey;
using catalog::OnDelete;
using catalog::TableInfo;

class Preview {
public:
    explicit Preview(pg::Spi &spi) : spi_(spi) {}

    std::vector<PreviewLine> run(const TableInfo &root, const std::vector<std::string> &key) {
        RowSet rows = find_root(root, key);
        add_line(0, root.relation, "delete", rows.size());
        if (!rows.empty()) {
            visit(root, std::move(rows));
            add_checked();
        }
        std::vector<PreviewLine> lines;
        for (const auto &[place, count] : lines_) {
            lines.push_back({place.depth, place.relation, place.action, count});
        }
        return lines;
    }

private:
    struct Place {
        int depth;
        Oid relation;
        std::string action;
        auto operator<=>(const Place &) const = default;
    };

    struct Step {
        int depth;
        TableInfo table;
        RowSet rows;
    };

    // Looked at when the whole tree is known: what goes with it neither refuses nor keeps a link.
    struct Check {
        int depth;
        ForeignKey key;
        RowSet parents;
        const char *action; // of the children that stay
    };

    void add_line(int depth, Oid relation, const char *action, std::uint64_t rows) {
        lines_[{depth, relation, action}] += rows;
    }

    RowSet find_root(const TableInfo &root, const std::vector<std::string> &key) {
        catalog::KeyLookup lookup = catalog::get_key_lookup(spi_, root, key);
        std::string query =
            (boost::format("/* softdelete */ SELECT t.tableoid, t.ctid, t.%2% IS NULL FROM %1% AS t "
                           "WHERE softdelete.include_deleted(t.%2%) AND %3%")
             % root.name % root.deleted_at % lookup.condition)
                .str();
        std::vector<pg::Row> found = spi_.query(query, lookup.values);
        if (found.empty()) {
            raise_no_such_row(root, key);
        }
        RowSet rows;
        if (found.front().boolean(2)) {
            rows.add({found.front().text(0), found.front().text(1)});
        }
        return rows;
    }

    void visit(const TableInfo &root, RowSet rows) {
        deleted_[root.relation] = rows;
        std::deque<Step> work;
        work.push_back({0, root, std::move(rows)});
        while (!work.empty()) {
            Step step = std::move(work.front());
            work.pop_front();
            for (const ForeignKey &key : catalog::find_referencing_keys(spi_, step.table.relation)) {
                follow(step, key, &work);
            }
        }
    }

    void follow(const Step &step, const ForeignKey &key, std::deque<Step> *work) {
        RowSet children = find_children(key, step.rows);
        int depth = step.depth + 1;
        Oid relation = key.child.relation;
        if (children.empty()) {
            return;
        }
        switch (key.on_delete) {
        case OnDelete::cascade:
            if (key.child.is_registered) {
                RowSet added = add_deleted(relation, children);
                if (!added.empty()) {
                    add_line(depth, relation, "cascade", added.size());
                    work->push_back({depth, key.child, std::move(added)});
                }
            } else {
                add_line(depth, relation, "stays until purge", children.size());
            }
            break;
        case OnDelete::set_null:
        case OnDelete::set_default:
            checks_.push_back({depth, key, step.rows, "keep link"});
            break;
        case OnDelete::restricted:
            add_line(depth, relation, "refuse", children.size());
            break;
        case OnDelete::no_action:
            checks_.push_back({depth, key, step.rows, "refuse"});
            break;
        }
    }

    // Live children of these rows. Those of unregistered tables are all live.
    RowSet find_children(const ForeignKey &key, const RowSet &parents) {
        std::string live = key.child.is_registered ? "c." + key.child.deleted_at + " IS NULL" : "true";
        std::string seen =
            key.parent.is_registered ? "softdelete.include_deleted(p." + key.parent.deleted_at + ")" : "true";
        std::string query =
            (boost::format("/* softdelete */ SELECT c.tableoid, c.ctid FROM %1% AS c WHERE %2% AND "
                           "EXISTS (SELECT FROM %3% AS p WHERE %4% AND %5% AND %6%)")
             % key.child.key_rows() % live % key.parent.key_rows() % seen % key.link
             % make_membership(key.parent, "p", 1))
                .str();
        RowSet found;
        for (const pg::Row &row : read_key(spi_, key, query, {parents.tables(), parents.positions()})) {
            found.add({row.text(0), row.text(1)});
        }
        return found;
    }

    RowSet add_deleted(Oid relation, const RowSet &rows) {
        RowSet added;
        for (const RowSet::RowId &row : rows.ids()) {
            if (deleted_[relation].add(row)) {
                added.add(row);
            }
        }
        return added;
    }

    void add_checked() {
        for (const Check &check : checks_) {
            std::uint64_t staying = 0;
            const RowSet children = find_children(check.key, check.parents);
            for (const RowSet::RowId &row : children.ids()) {
                staying += deleted_[check.key.child.relation].contains(row) ? 0 : 1;
            }
            if (staying > 0) {
                add_line(check.depth, check.key.child.relation, check.action, staying);
            }
        }
    }

    pg::Spi &spi_;
    std::map<Oid, RowSet> deleted_;
    std::vector<Check> checks_;
    std::map<Place, std::uint64_t> lines_;
};

} // namespace

std::vector<PreviewLine> preview_delete(Oid relation, const std::vector<std::string> &key) {
    pg::Spi spi;
    TableInfo table = catalog::get_registered_table(spi, relation);
    bool may_delete =
        spi.query("SELECT pg_catalog.has_table_privilege($1::pg_catalog.oid, 'DELETE')", {table.relation})
            .front()
            .boolean(0);
    if (!may_delete) {
        raise_permission_denied(table, "A preview needs the privilege that the DELETE needs.");
    }
    return Preview(spi).run(table, key);
}

} // namespace softdelete::commands
