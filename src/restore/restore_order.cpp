// A row version keeps the number of the command that wrote it (cmin), within its transaction, and a cascade takes each
// level by a command of its own. Recovery after a crash and a restored dump do not keep the numbers: then the tables come
// back in the opposite of the order in which the deletion came to them.
#include "restore/restore_order.hpp"

#include "catalog/foreign_keys.hpp"
#include "pg/scopes.hpp"
#include "restore/restore_statement.hpp"
#include "rows/follow_links.hpp"
#include "sqltext/format.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace softdelete::restore {

namespace {

// The table's keys to itself: parents and children of one table, which one command may have taken.
std::vector<catalog::ForeignKey> find_own_tree(pg::Spi &spi, Oid table) {
    std::vector<catalog::ForeignKey> keys;
    for (catalog::ForeignKey &key : catalog::find_own_keys(spi, table)) {
        if (key.parent.relation == table || key.parent.relation == key.child.relation) {
            keys.push_back(std::move(key));
        }
    }
    return keys;
}

// The rows by their depth below others of them; those of a cycle have none. The triggers of what one command takes see a
// child without its parent: so they shall see it when it comes back.
std::map<std::size_t, rows::RowSet> sort_by_depth(pg::Spi &spi, const std::vector<catalog::ForeignKey> &keys,
                                                  const rows::RowSet &rows) {
    std::map<rows::RowId, std::vector<rows::RowId>> children;
    std::map<rows::RowId, std::size_t> parents;
    for (const catalog::ForeignKey &key : keys) {
        for (const rows::RowLink &link : rows::find_parents(spi, key, rows)) {
            if (rows.contains(link.parent) && !(link.parent == link.child)) {
                children[link.parent].push_back(link.child);
                parents[link.child]++;
            }
        }
    }
    std::map<std::size_t, rows::RowSet> sorted;
    std::vector<rows::RowId> level;
    for (const rows::RowId &row : rows.ids()) {
        if (!parents.contains(row)) {
            level.push_back(row);
        }
    }
    rows::RowSet rest = rows;
    for (std::size_t depth = 0; !level.empty(); depth++) {
        std::vector<rows::RowId> below;
        for (const rows::RowId &row : level) {
            sorted[depth].add(row);
            rest.remove(row);
            for (const rows::RowId &child : children[row]) {
                if (--parents[child] == 0) {
                    below.push_back(child);
                }
            }
        }
        level = std::move(below);
    }
    sorted[0].add_all(rest);
    return sorted;
}

} // namespace

void RestoreOrder::add(std::size_t number, std::size_t place, const catalog::TableInfo &table,
                       const rows::RowSet &rows) {
    std::string query = sqltext::format(
        "/* softdelete */ SELECT t.tableoid, t.ctid, t.cmin FROM %1% AS t WHERE t.%2% IS NOT NULL AND %3%",
        table.name, table.deleted_at, rows::make_membership(table, "t", 1));
    pg::OwnerScope owner(table.owner);
    add_found(number, place, table, spi_.query(query, {rows.tables(), rows.positions()}));
}

void RestoreOrder::add_all(std::size_t number, std::size_t place, const catalog::TableInfo &table,
                           std::int64_t deletion) {
    std::string query =
        sqltext::format("/* softdelete */ SELECT t.tableoid, t.ctid, t.cmin FROM %1% AS t WHERE t.%2% IS "
                        "NOT NULL AND t.deletion_id OPERATOR(pg_catalog.=) $1::pg_catalog.int8 FOR UPDATE",
                        table.name, table.deleted_at);
    pg::OwnerScope owner(table.owner);
    add_found(number, place, table, spi_.query(query, {deletion}));
}

void RestoreOrder::add_found(std::size_t number, std::size_t place, const catalog::TableInfo &table,
                             const std::vector<pg::Row> &found) {
    std::map<std::int64_t, rows::RowSet> by_command;
    for (const pg::Row &row : found) {
        by_command[row.number(2)].add(rows::read_row_id(row));
    }
    std::vector<catalog::ForeignKey> tree = find_own_tree(spi_, table.relation);
    for (auto &[command, rows] : by_command) {
        if (tree.empty()) {
            taken_.push_back({command, place, number, 0, false, std::move(rows)});
            continue;
        }
        for (auto &[depth, part] : sort_by_depth(spi_, tree, rows)) {
            taken_.push_back({command, place, number, depth, true, std::move(part)});
        }
    }
}

std::vector<RestorePart> RestoreOrder::make_parts() const {
    std::vector<const Taken *> order;
    for (const Taken &taken : taken_) {
        order.push_back(&taken);
    }
    std::stable_sort(order.begin(), order.end(), [](const Taken *left, const Taken *right) {
        return std::tuple(left->command, left->place, left->depth)
               > std::tuple(right->command, right->place, right->depth);
    });
    std::vector<RestorePart> parts;
    for (const Taken *taken : order) {
        if (parts.empty() || parts.back().table != taken->number || taken->references_itself) {
            parts.push_back({taken->number, {}});
        }
        parts.back().rows.add_all(taken->rows);
    }
    return parts;
}

bool is_order_seen(const std::vector<catalog::TableInfo> &tables) {
    return pg::call([&] {
        return std::any_of(tables.begin(), tables.end(),
                           [](const catalog::TableInfo &table) { return fires_users_code(table.relation); });
    });
}

} // namespace softdelete::restore
