// Follows CASCADE keys from the tables that the caller may update.
#include "commands/cascaded_tables.hpp"

#include "catalog/foreign_keys.hpp"

namespace softdelete::commands {

namespace {

using catalog::TableInfo;

bool may_update(pg::Spi &spi, const TableInfo &table) {
    return spi.query("SELECT pg_catalog.has_table_privilege($1::pg_catalog.oid, 'UPDATE')", {table.relation})
        .front()
        .boolean(0);
}

bool is_restricted(pg::Spi &spi, const TableInfo &table) {
    return spi.query("SELECT pg_catalog.row_security_active($1::pg_catalog.oid)", {table.relation})
        .front()
        .boolean(0);
}

bool is_below(pg::Spi &spi, const TableInfo &table, const std::set<Oid> &parents) {
    for (const catalog::ForeignKey &key : catalog::find_own_keys(spi, table.relation)) {
        if (key.on_delete == catalog::OnDelete::cascade && key.parent.relation != table.relation
            && parents.count(key.parent.relation) != 0) {
            return true;
        }
    }
    return false;
}

bool may_update_something(pg::Spi &spi, const TableInfo &table) {
    return spi
        .query("SELECT pg_catalog.has_any_column_privilege($1::pg_catalog.oid, 'UPDATE')", {table.relation})
        .front()
        .boolean(0);
}

} // namespace

std::set<Oid> find_cascaded_tables(pg::Spi &spi, const std::vector<TableInfo> &tables) {
    std::set<Oid> allowed;
    std::set<Oid> restricted; // the caller's rights on these are not all that the owner has
    std::set<Oid> cascaded;
    for (const TableInfo &table : tables) {
        if (may_update(spi, table)) {
            allowed.insert(table.relation);
        }
        if (!may_update(spi, table) || is_restricted(spi, table)) {
            restricted.insert(table.relation);
        }
    }
    for (bool is_changed = true; is_changed;) {
        is_changed = false;
        for (const TableInfo &table : tables) {
            bool is_allowed = allowed.count(table.relation) != 0;
            bool is_decided = is_allowed && restricted.count(table.relation) != 0;
            if (cascaded.count(table.relation) == 0 && !is_decided && is_below(spi, table, allowed)) {
                allowed.insert(table.relation);
                cascaded.insert(table.relation);
                is_changed = true;
            }
        }
    }
    return cascaded;
}

void check_may_update(pg::Spi &spi, const std::vector<TableInfo> &tables, const std::set<Oid> &cascaded) {
    for (const TableInfo &table : tables) {
        if (cascaded.count(table.relation) == 0 && !may_update_something(spi, table)) {
            raise_permission_denied(table);
        }
    }
}

void raise_permission_denied(const TableInfo &table, const char *detail) {
    // Without the quotes, as aclcheck_error() has it.
    pg::raise({.sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
               .message = "permission denied for table " + table.title.substr(1, table.title.size() - 2),
               .detail = detail,
               .relation = table.relation});
}

} // namespace softdelete::commands
