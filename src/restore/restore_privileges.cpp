// Decides which tables of a deletion the caller restores with his own rights and which as their owners, following
// CASCADE keys from the tables that he may update. Called by undo() and conflicts().
#include "restore/restore_privileges.hpp"

#include "catalog/foreign_keys.hpp"
#include "registry/registered_names.hpp"

#include <algorithm>
#include <map>

namespace softdelete::restore {

namespace {

using catalog::TableInfo;

bool may_update(pg::Spi &spi, const TableInfo &table) {
    return spi
        .query_kept("SELECT pg_catalog.has_table_privilege($1::pg_catalog.oid, 'UPDATE')", {table.relation})
        .front()
        .boolean(0);
}

bool is_restricted(pg::Spi &spi, const TableInfo &table) {
    return spi.query_kept("SELECT pg_catalog.row_security_active($1::pg_catalog.oid)", {table.relation})
        .front()
        .boolean(0);
}

// The tables that its CASCADE keys and those of its inheritance children lead to, as they were registered.
std::set<Oid> find_parents(pg::Spi &spi, const TableInfo &table) {
    std::set<Oid> parents;
    for (Oid heir : catalog::find_heirs(spi, table.relation)) {
        for (const catalog::ForeignKey &key : catalog::find_own_keys(spi, heir)) {
            if (key.on_delete == catalog::OnDelete::cascade) {
                parents.insert(
                    registry::find_registered_root(spi, key.parent.relation).value_or(key.parent.relation));
            }
        }
    }
    parents.erase(table.relation);
    return parents;
}

bool may_update_something(pg::Spi &spi, const TableInfo &table) {
    return spi
        .query_kept("SELECT pg_catalog.has_any_column_privilege($1::pg_catalog.oid, 'UPDATE')",
                    {table.relation})
        .front()
        .boolean(0);
}

// What a row that is marked needs, the server asks: UPDATE of the mark, and SELECT of what tells the row. Of an archived row
// all columns are written.
bool may_restore_something(pg::Spi &spi, const TableInfo &table) {
    return table.archive ? may_update(spi, table)
                               && spi.query_kept("SELECT pg_catalog.has_table_privilege($1::pg_catalog.oid, "
                                                 "'SELECT')",
                                                 {table.relation})
                                      .front()
                                      .boolean(0)
                         : may_update_something(spi, table);
}

} // namespace

CascadedTables find_cascaded_tables(pg::Spi &spi, const std::vector<TableInfo> &tables) {
    std::set<Oid> allowed;
    std::set<Oid> restricted; // the caller's rights on these are not all that the owner has
    CascadedTables cascaded;
    std::map<Oid, std::set<Oid>> parents;
    auto is_below_allowed = [&](Oid relation) {
        return std::any_of(parents.at(relation).begin(), parents.at(relation).end(),
                           [&](Oid parent) { return allowed.count(parent) != 0; });
    };
    for (const TableInfo &table : tables) {
        parents.emplace(table.relation, find_parents(spi, table));
        const bool is_allowed = may_update(spi, table);
        if (is_allowed) {
            allowed.insert(table.relation);
        }
        if (!is_allowed || is_restricted(spi, table)) {
            restricted.insert(table.relation);
        }
    }
    for (bool is_changed = true; is_changed;) {
        is_changed = false;
        for (const TableInfo &table : tables) {
            bool is_allowed = allowed.count(table.relation) != 0;
            bool is_split = is_allowed && restricted.count(table.relation) != 0;
            bool is_known =
                cascaded.whole.contains(table.relation) || cascaded.in_part.contains(table.relation);
            if (!is_known && is_below_allowed(table.relation)) {
                if (!is_allowed) {
                    cascaded.others.insert(table.relation);
                }
                allowed.insert(table.relation);
                (is_split ? cascaded.in_part : cascaded.whole).insert(table.relation);
                is_changed = true;
            }
        }
    }
    return cascaded;
}

void check_may_update(pg::Spi &spi, const std::vector<TableInfo> &tables, const std::set<Oid> &cascaded) {
    for (const TableInfo &table : tables) {
        if (cascaded.count(table.relation) == 0 && !may_restore_something(spi, table)) {
            catalog::raise_permission_denied(table);
        }
    }
}

} // namespace softdelete::restore
