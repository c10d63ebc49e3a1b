// preview(): walks the tree as the cascade does, over live rows, level by level, and each level in the order of the
// server's triggers, and changes nothing. Which keys a row's parent has depends on the table that the row is in, which
// may be a partition or an inheritance child.
#include "deletion/preview_delete.hpp"

#include "catalog/linked_tables.hpp"
#include "session/distributed_tables.hpp"
#include "sqltext/format.hpp"

#include "catalog/foreign_key_info.hpp"
#include "catalog/foreign_keys.hpp"
#include "holds/hold_graph.hpp"
#include "pg/called_settings.hpp"
#include "pg/relations.hpp"
#include "rows/follow_links.hpp"
#include "rows/named_row.hpp"
#include "rows/row_set.hpp"
#include "session/own_statement.hpp"

extern "C" {
#include "access/table.h"
}

#include <algorithm>
#include <deque>
#include <map>

namespace softdelete::deletion {

namespace {

using catalog::ForeignKey;
using catalog::OnDelete;
using catalog::TableInfo;

class Preview {
public:
    explicit Preview(pg::Spi &spi) : spi_(spi) {}

    void run(const TableInfo &root, const std::vector<std::string> &key) {
        rows::RowSet rows = find_root(root, key);
        named_ = root.relation;
        add_line(0, root.relation, "delete", rows.size());
        links_[{{0, root.relation, "delete"}, InvalidOid, ""}] = rows.size();
        if (!rows.empty()) {
            deleted_ = rows;
            if (!root.is_registered) {
                follow_really(0, {rows.ids().begin(), rows.ids().end()});
            } else {
                collect(0, rows);
            }
            while (!work_.empty()) {
                auto place = find_first_to_go();
                Step step = std::move(*place);
                work_.erase(place);
                follow(step);
            }
            add_checked();
        }
    }

    std::vector<PreviewLine> get_lines() const {
        std::vector<PreviewLine> lines;
        for (const auto &[place, count] : lines_) {
            lines.push_back({place.depth, place.relation, place.action, count});
        }
        return lines;
    }

    std::vector<PreviewStep> get_steps() const {
        std::vector<PreviewStep> steps;
        for (const auto &[link, count] : links_) {
            steps.push_back(
                {link.place.depth, link.parent, link.place.relation, link.key, link.place.action, count});
        }
        return steps;
    }

private:
    struct Place {
        int depth;
        Oid relation;
        std::string action;
        auto operator<=>(const Place &) const = default;
    };

    // A place, and how it was come to.
    struct Link {
        Place place;
        Oid parent;
        std::string key;
        auto operator<=>(const Link &) const = default;
    };

    // A foreign key as one table has it that it references: a partition has a copy of its own.
    struct Key {
        Oid constraint;
        ForeignKey key; // the one that is copied
    };

    // Rows of one table and level, and a key that references them.
    struct Step {
        int depth;
        const Key *key;
        rows::RowSet parents;
    };

    void add_line(int depth, Oid relation, const char *action, std::uint64_t rows) {
        lines_[{depth, relation, action}] += rows;
    }

    rows::RowSet find_root(const TableInfo &root, const std::vector<std::string> &key) {
        catalog::KeyLookup lookup = catalog::get_key_lookup(spi_, root, key);
        // Of a table with an archive all rows are live.
        std::string query =
            !root.is_registered
                ? sqltext::format("/* softdelete */ SELECT t.tableoid, t.ctid, true FROM %1% AS t WHERE %2%",
                                  root.name, lookup.condition)
                : sqltext::format("/* softdelete */ SELECT t.tableoid, t.ctid, t.%2% IS NULL FROM %1% AS t "
                                  "WHERE softdelete.include_deleted(t.%2%) AND %3%",
                                  root.name, root.deleted_at, lookup.condition);
        pg::NamedTableScope scope(root.relation, root.owner);
        session::OwnStatement own(query, {.runs_as_called = true});
        std::vector<pg::Row> found = spi_.query(query, lookup.values);
        if (found.empty() && !is_archived(root, lookup)) {
            rows::raise_no_such_row(root, key);
        }
        rows::RowSet rows;
        for (const pg::Row &row : found) { // tables of an inheritance tree may each have one with this key
            if (row.boolean(2)) {
                rows.add(rows::read_row_id(row));
            }
        }
        return rows;
    }

    bool is_archived(const TableInfo &root, const catalog::KeyLookup &lookup) {
        if (!root.archive) {
            return false;
        }
        pg::OwnerScope owner(root.owner);
        return !spi_.query(sqltext::format("/* softdelete */ SELECT FROM %1% WHERE %2% LIMIT 1",
                                           root.archive->name, lookup.condition),
                           lookup.values)
                    .empty();
    }

    // In the order in which their triggers fire.
    const std::vector<Key> &get_keys(Oid table) {
        auto [place, is_new] = keys_.try_emplace(table);
        if (is_new) {
            std::vector<ForeignKey> known =
                catalog::find_referencing_keys(spi_, catalog::get_table(spi_, table).relation);
            ListCell *cell;
            foreach (cell, find_keys(table)) {
                const auto *info = static_cast<const catalog::ForeignKeyInfo *>(lfirst(cell));
                auto found = std::find_if(known.begin(), known.end(), [&](const ForeignKey &key) {
                    return key.constraint == info->root;
                });
                if (found != known.end()) {
                    place->second.push_back({info->constraint, *found});
                }
            }
        }
        return place->second;
    }

    static List *find_keys(Oid table) {
        return pg::call([&] {
            Relation relation = table_open(table, AccessShareLock);
            List *keys = catalog::find_referencing_keys(relation);
            table_close(relation, NoLock);
            return keys;
        });
    }

    void collect(int depth, const rows::RowSet &rows) {
        for (const auto &[table, members] : rows::group_by_table(rows)) {
            for (const Key &key : get_keys(table)) {
                get_step(key.key.on_delete == OnDelete::no_action || !catalog::binds(key.key.on_delete)
                             ? checks_
                             : work_,
                         depth, key)
                    .parents.add_all(members);
            }
        }
    }

    static Step &get_step(std::deque<Step> &steps, int depth, const Key &key) {
        auto place = std::find_if(steps.begin(), steps.end(), [&](const Step &step) {
            return step.depth == depth && step.key->constraint == key.constraint;
        });
        return place != steps.end() ? *place : steps.emplace_back(Step{depth, &key, {}});
    }

    // The next step, or one that the cascade takes before it (find_first_to_go() in deletion/cascade.cpp).
    std::deque<Step>::iterator find_first_to_go() {
        auto place = work_.begin();
        for (std::size_t tries = 0; tries < work_.size(); tries++) {
            auto before = std::find_if(work_.begin(), work_.end(), [&](const Step &other) {
                return other.depth == place->depth && goes_before(other.key->key, place->key->key);
            });
            if (before == work_.end()) {
                break;
            }
            place = before;
        }
        return place;
    }

    bool goes_before(const ForeignKey &one, const ForeignKey &other) {
        auto deletes_really = [](const ForeignKey &key) {
            return key.on_delete == OnDelete::cascade && key.child.archive && !key.child.is_registered;
        };
        if (!deletes_really(one) || !deletes_really(other) || one.child.relation == other.child.relation) {
            return false;
        }
        std::vector<ForeignKey> own = catalog::find_own_keys(spi_, one.child.relation);
        return std::any_of(own.begin(), own.end(), [&](const ForeignKey &key) {
            return key.on_delete == OnDelete::no_action && key.parent.relation == other.child.relation;
        });
    }

    void follow(const Step &step) {
        const ForeignKey &key = step.key->key;
        rows::RowSet children = find_children(key, step.parents);
        int depth = step.depth + 1;
        if (key.on_delete == OnDelete::restricted) {
            add_staying(depth, key, children, "refuse");
            return;
        }
        if (!key.child.is_registered && !key.child.archive) {
            add_rows(depth, key, children.size(), "stays until purge");
            return;
        }
        rows::RowSet added = add_deleted(children);
        add_rows(depth, key, added.size(), "cascade");
        if (!key.child.is_registered) {
            follow_really(depth, {added.ids().begin(), added.ids().end()});
        } else {
            collect(depth, added);
        }
    }

    // What the server's own triggers do when rows really go, with those of tables without an archive: level by level, and in
    // each row by row and key by key, so that a key refuses what neither went before nor goes with what came before it.
    void follow_really(int depth, std::vector<rows::RowId> level) {
        for (; !level.empty(); depth++) {
            std::map<Oid, std::map<rows::RowId, std::vector<rows::RowId>>> children = find_links(level);
            std::vector<rows::RowId> next;
            for (const rows::RowId &row : level) {
                for (const Key &key : get_keys(row.table)) {
                    follow_row(depth, key, row, children[key.constraint][row], &next);
                }
            }
            level = std::move(next);
        }
    }

    // The rows that reference these, by key and by what they reference.
    std::map<Oid, std::map<rows::RowId, std::vector<rows::RowId>>>
    find_links(const std::vector<rows::RowId> &level) {
        rows::RowSet parents;
        for (const rows::RowId &row : level) {
            parents.add(row);
        }
        std::map<Oid, std::map<rows::RowId, std::vector<rows::RowId>>> found;
        for (const auto &[table, members] : rows::group_by_table(parents)) {
            for (const Key &key : get_keys(table)) {
                for (const rows::RowLink &link : rows::find_links_below(spi_, key.key, members)) {
                    found[key.constraint][link.parent].push_back(link.child);
                }
            }
        }
        return found;
    }

    void follow_row(int depth, const Key &key, const rows::RowId &row,
                    const std::vector<rows::RowId> &children, std::vector<rows::RowId> *next) {
        bool waits = key.key.on_delete == OnDelete::no_action && key.key.is_initially_deferred;
        if (waits || !catalog::binds(key.key.on_delete)) {
            get_step(checks_, depth, key).parents.add(row);
            return;
        }
        rows::RowSet fresh;
        for (const rows::RowId &child : children) {
            if (!deleted_.contains(child)) {
                fresh.add(child);
            }
        }
        if (key.key.on_delete != OnDelete::cascade) {
            add_rows(depth + 1, key.key, fresh.size(), "refuse");
            return;
        }
        deleted_.add_all(fresh);
        next->insert(next->end(), fresh.ids().begin(), fresh.ids().end());
        add_rows(depth + 1, key.key, fresh.size(), key.key.child.archive ? "cascade" : "removed");
    }

    void add_rows(int depth, const ForeignKey &key, std::uint64_t count, const char *action) {
        if (count > 0) {
            add_line(depth, key.child.relation, action, count);
            links_[{{depth, key.child.relation, action},
                    depth == 1 ? named_ : key.parent.relation,
                    sqltext::format("%1% ON DELETE %2%", key.name, catalog::name_action(key.on_delete))}] +=
                count;
        }
    }

    // Those that do not go along, or not yet.
    void add_staying(int depth, const catalog::ForeignKey &key, const rows::RowSet &children,
                     const char *action) {
        std::uint64_t staying = 0;
        for (const rows::RowId &row : children.ids()) {
            staying += deleted_.contains(row) ? 0 : 1;
        }
        add_rows(depth, key, staying, action);
    }

    // Live children of these rows. Those of unregistered tables are all live.
    rows::RowSet find_children(const catalog::ForeignKey &key, const rows::RowSet &parents) {
        return rows::find_children(
            spi_, key, parents,
            key.child.is_registered ? sqltext::format(" AND c.%1% IS NULL", key.child.deleted_at) : "");
    }

    rows::RowSet add_deleted(const rows::RowSet &rows) {
        rows::RowSet added;
        for (const rows::RowId &row : rows.ids()) {
            if (deleted_.add(row)) {
                added.add(row);
            }
        }
        return added;
    }

    // When the whole tree is known: what goes with it neither refuses nor keeps a link.
    void add_checked() {
        for (const Step &step : checks_) {
            const ForeignKey &key = step.key->key;
            add_staying(step.depth + 1, key, find_children(key, step.parents),
                        key.on_delete == OnDelete::no_action              ? "refuse"
                        : key.parent.archive && !key.parent.is_registered ? "lose link"
                                                                          : "keep link");
        }
    }

    pg::Spi &spi_;
    Oid named_ = InvalidOid; // its first line is about the rows of inheritance children as well
    rows::RowSet deleted_;
    std::map<Oid, std::vector<Key>> keys_; // by the table that they reference
    std::deque<Step> work_;
    std::deque<Step> checks_;
    std::map<Place, std::uint64_t> lines_;
    std::map<Link, std::uint64_t> links_;
};

// Errors: those of preview_delete().
TableInfo get_previewed_table(pg::Spi &spi, Oid relation) {
    pg::call([&] { session::refuse_distributed(relation); });
    TableInfo table = catalog::get_soft_table(spi, relation);
    if (!pg::has_privilege(table.relation, pg::Privilege::remove)) {
        catalog::raise_permission_denied(table, "A preview needs the privilege that the DELETE needs.");
    }
    catalog::lock_linked_tables(spi, table.relation);
    return table;
}

} // namespace

std::vector<PreviewLine> preview_delete(Oid relation, const std::vector<std::string> &key) {
    pg::Spi spi;
    const TableInfo table = get_previewed_table(spi, relation);
    Preview preview(spi);
    preview.run(table, key);
    return preview.get_lines();
}

std::vector<PreviewStep> preview_steps(Oid relation, const std::vector<std::string> &key) {
    pg::Spi spi;
    const TableInfo table = get_previewed_table(spi, relation);
    Preview preview(spi);
    preview.run(table, key);
    return preview.get_steps();
}

} // namespace softdelete::deletion
