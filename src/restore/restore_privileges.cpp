// Decides which tables of a deletion the caller restores with his own rights and which as their owners, following
// CASCADE keys from the tables that he may update. Called by undo() and conflicts().
#include "restore/restore_privileges.hpp"

#include "catalog/foreign_keys.hpp"
#include "pg/relations.hpp"
#include "registry/registered_names.hpp"

#include <algorithm>
#include <map>

namespace softdelete::restore {

namespace {

using catalog::TableInfo;

bool may_update(const TableInfo &table) {
    return pg::has_privilege(table.relation, pg::Privilege::update);
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

// What a row that is marked needs, the server asks: UPDATE of the mark, and SELECT of what tells the row. Of an archived row
// all columns are written.
bool may_restore_something(const TableInfo &table) {
    return table.archive ? may_update(table) && pg::has_privilege(table.relation, pg::Privilege::select)
                         : pg::may_update_something(table.relation);
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
        const bool is_allowed = may_update(table);
        if (is_allowed) {
            allowed.insert(table.relation);
        }
        if (!is_allowed || pg::is_row_security_active(table.relation)) {
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

void check_may_update(const std::vector<TableInfo> &tables, const std::set<Oid> &cascaded) {
    for (const TableInfo &table : tables) {
        if (cascaded.count(table.relation) == 0 && !may_restore_something(table)) {
            catalog::raise_permission_denied(table);
        }
    }
}

} // namespace softdelete::restore
