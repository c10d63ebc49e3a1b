// Locks a table for registration and refuses, with a hint, what cannot be registered or is not the caller's. The first
// thing that register(), configure(), repair() and unregister() do.
#include "registration/lock_table.hpp"

#include "catalog/half_registered.hpp"
#include "catalog/kept_tables.hpp"
#include "catalog/quoting.hpp"
#include "catalog/table_info.hpp"
#include "pg/quote.hpp"
#include "pg/relations.hpp"
#include "registration/check_rules.hpp"
#include "registry/registry.hpp"
#include "session/distributed_tables.hpp"
#include "session/extension_functions.hpp"
#include "sqltext/fragments.hpp"

extern "C" {
#include "access/transam.h"
}

namespace softdelete::registration {

namespace {

using catalog::Table;

[[noreturn]] void refuse(const Table &table, const std::string &message, const std::string &detail,
                         const std::string &hint) {
    pg::raise({ERRCODE_WRONG_OBJECT_TYPE, message, detail, hint, table.oid});
}

std::string quote(const std::string &name) {
    return "\"" + name + "\"";
}

void check_is_table(const Table &table) {
    const char *hint = "Register the table that it reads.";
    switch (table.kind) {
    case 'r':
    case 'p':
        return;
    case 'v':
        refuse(table, quote(table.name) + " is not a table", "It is a view.", hint);
    case 'm':
        refuse(table, quote(table.name) + " is not a table", "It is a materialized view.", hint);
    case 'f':
        refuse(table, "cannot register foreign table " + quote(table.name),
               "Its rows are kept by another server.", "Register the table there.");
    default:
        refuse(table, quote(table.name) + " is not a table", {}, "Give the name of a table.");
    }
}

void check_is_permanent(const Table &table) {
    if (table.persistence == 't') {
        refuse(table, "cannot register temporary table " + quote(table.name), {},
               "Create a permanent table.");
    }
}

void check_is_users_own(const Table &table) {
    if (table.oid < FirstNormalObjectId || table.schema == "pg_toast") {
        pg::raise({ERRCODE_INSUFFICIENT_PRIVILEGE,
                   "permission denied: " + quote(table.name) + " is a system catalog",
                   {},
                   "Register your own tables only."});
    }
    if (table.schema == "softdelete" || table.schema == "softdelete_internal") {
        refuse(table, "cannot register table " + quote(table.name) + " of the extension itself", {},
               "Register your own tables only.");
    }
}

void check_is_not_kept(pg::Spi &spi, const Table &table) {
    const std::string kept = catalog::describe_kept(spi, table.oid);
    if (!kept.empty()) {
        refuse(table, "cannot register table " + quote(table.name) + ", which softdelete keeps itself", kept,
               "Register your own tables only.");
    }
}

void check_distributed(const Table &table, Distributed distributed) {
    if (!pg::call([&] { return session::is_distributed(table.oid); })) {
        return;
    }
    if (distributed == Distributed::refused) {
        pg::raise({ERRCODE_FEATURE_NOT_SUPPORTED,
                   "table " + quote(table.name) + " is a table of Citus, which cannot have an archive",
                   "Its rows are kept in shards, which Citus moves and copies.",
                   "Register it with strategy => 'flag'.", table.oid});
    }
    if (!pg::call([&] { return session::is_coordinator(); })) {
        pg::raise({ERRCODE_FEATURE_NOT_SUPPORTED,
                   "cannot register table " + quote(table.name) + " of Citus on this node",
                   {},
                   "Run it on the coordinator.",
                   table.oid});
    }
    if (!pg::call([&] { return session::is_plainly_distributed(table.oid); }) || table.members.size() > 1) {
        pg::raise({ERRCODE_FEATURE_NOT_SUPPORTED,
                   "cannot register table " + quote(table.name) + ", which is a table of Citus",
                   "Distributed and reference tables without partitions can be registered.",
                   "Distribute the table by a column, or make it a reference table.", table.oid});
    }
}

void check_parent(pg::Spi &spi, const Table &table) {
    if (table.is_partition) {
        std::string root =
            catalog::get_qualified_name(spi, catalog::get_partition_root(spi, table.oid)).text();
        refuse(table, "cannot register partition " + quote(table.name) + " alone",
               "Rows are deleted through the partitioned table as well.",
               "Register the partitioned table " + root + ".");
    }
    std::vector<Oid> parents = catalog::find_parents(spi, table.oid);
    if (parents.empty()) {
        return;
    }
    Oid parent = parents.front();
    std::string name = catalog::get_qualified_name(spi, parent).text();
    if (catalog::has_marker(spi, parent)) {
        refuse(table, "inheritance child " + quote(table.name) + " belongs to registered table " + name, {},
               "Use the parent; softdelete.repair() takes on children that came later.");
    }
    refuse(table, "cannot register inheritance child " + quote(table.name) + " of unregistered table " + name,
           "Rows are deleted through the parent as well.", "Register " + name + ".");
}

void check_members(pg::Spi &spi, const Table &table) {
    for (const catalog::Member &member : table.members) {
        if (member.kind == 'f') {
            refuse(table,
                   "cannot register table " + quote(table.name) + " because its partition or child "
                       + quote(member.name) + " is a foreign table",
                   {}, "Detach the foreign table.");
        }
        if (member.persistence == 't') {
            refuse(table,
                   "cannot register table " + quote(table.name) + " because its child " + quote(member.name)
                       + " is a temporary table",
                   "Other sessions cannot reach its rows.", "Drop it, or ALTER TABLE ... NO INHERIT it.");
        }
    }
    for (const catalog::Member &member : table.members) {
        for (Oid parent : catalog::find_parents(spi, member.oid)) {
            if (table.find_member(parent) == nullptr) {
                refuse(
                    table,
                    "cannot register table " + quote(table.name) + " because its child " + quote(member.name)
                        + " inherits from " + catalog::get_qualified_name(spi, parent).text() + " as well",
                    "Rows are deleted through each parent.", "Let the child inherit from one of them only.");
            }
        }
    }
}

void check_owner(const Table &table) {
    if (!pg::owns_relation(table.oid)) {
        pg::raise({ERRCODE_INSUFFICIENT_PRIVILEGE,
                   "must be owner of table " + table.name,
                   {},
                   "The table's owner, a member of that role, or a superuser can do this."});
    }
}

void check_kind(pg::Spi &spi, const Table &table, Distributed distributed) {
    check_is_users_own(table);
    check_is_table(table);
    check_is_permanent(table);
    check_is_not_kept(spi, table);
    check_distributed(table, distributed);
    check_parent(spi, table);
    check_members(spi, table);
    check_rules(spi, table, "register");
}

// The table as it is under the lock, its partitions and children included.
Table lock_owned(pg::Spi &spi, const Table &before, pg::Lock lock) {
    check_owner(before);
    for (const catalog::Member &member : before.members) {
        pg::lock_relation(member.oid, lock);
    }
    Table table = catalog::get_table_definition(spi, before.oid);
    check_owner(table);
    return table;
}

constexpr const char *library = "softdelete";

// The setting that new sessions get by ALTER DATABASE or for all databases by ALTER ROLE ALL; nothing where none.
std::string get_database_setting(pg::Spi &spi) {
    auto rows = spi.query_kept(
        "SELECT substr(c, length('session_preload_libraries=') + 1)"
        " FROM pg_db_role_setting s JOIN pg_database d ON d.datname = current_database(),"
        " unnest(s.setconfig) c WHERE s.setrole = 0 AND s.setdatabase IN (0, d.oid)"
        " AND starts_with(c, 'session_preload_libraries=') ORDER BY s.setdatabase DESC LIMIT 1");
    return rows.empty() ? "" : rows.front().text(0);
}

std::string get_loading_hint(pg::Spi &spi, const std::string &database_setting) {
    std::string present = database_setting.empty() ? pg::session_preload_libraries() : database_setting;
    std::string database = spi.query_kept("SELECT current_database()").front().text(0);
    sqltext::Expression before(present.empty() ? "" : present + ", ");
    return sqltext::statement(
               "Run ALTER DATABASE %1% SET session_preload_libraries = %2%softdelete, which new sessions"
               " follow, or ALTER SYSTEM SET shared_preload_libraries = %3%softdelete and restart the"
               " server.",
               catalog::identifier(database), before,
               sqltext::Expression(
                   pg::shared_preload_libraries().empty() ? "" : pg::shared_preload_libraries() + ", "))
        .text();
}

} // namespace

Table lock_table(pg::Spi &spi, Oid relation, pg::Lock lock, Distributed distributed) {
    Table before = catalog::get_table_definition(spi, relation);
    check_kind(spi, before, distributed);
    Table table = lock_owned(spi, before, lock);
    check_kind(spi, table, distributed);
    return table;
}

RegisteredTable lock_registered_table(pg::Spi &spi, Oid relation, pg::Lock lock, Distributed distributed) {
    if (distributed == Distributed::refused) {
        pg::call([&] { session::refuse_distributed(relation); });
    }
    Table before = catalog::get_table_definition(spi, relation);
    check_is_table(before);
    catalog::check_not_kept(spi, relation);
    Table table = lock_owned(spi, before, lock);
    auto registration = registry::lock_registration(spi, relation);
    if (!registration && catalog::get_table(spi, relation).is_archived()) {
        catalog::refuse_archive(quote(table.name), relation);
    }
    if (!registration) {
        std::vector<Oid> parents = catalog::find_parents(spi, relation);
        Oid root = table.is_partition ? catalog::get_partition_root(spi, relation)
                                      : (parents.empty() ? relation : parents.front());
        bool is_copy = catalog::has_marker(spi, root);
        std::string hint =
            root == relation
                ? is_copy ? "Register it with softdelete.register(), which takes on "
                            "what is there."
                          : "Register it with softdelete.register()."
                : "Name the table that it belongs to, " + catalog::get_qualified_name(spi, root).text() + ".";
        pg::raise({ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   "table " + quote(table.name) + " is not registered",
                   is_copy && root == relation ? catalog::half_registered : "", hint, relation});
    }
    return {table, *registration};
}

void check_not_between(pg::Spi &spi, Oid relation) {
    const catalog::TableInfo table = catalog::get_table(spi, relation);
    if (!table.is_between()) {
        return;
    }
    pg::raise(
        {.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
         .message = sqltext::format("the strategy of table %1% is being changed", table.title),
         .detail = "Some of its deleted rows are marked, others are in its archive.",
         .hint = sqltext::format("Let it end first: CALL softdelete.change_strategy(%1%, 'archive'), or "
                                 "'flag' to go back.",
                                 pg::quote_literal(table.name)),
         .relation = relation});
}

void check_not_registered(pg::Spi &spi, const Table &table) {
    const catalog::TableInfo info = catalog::get_table(spi, table.oid);
    if (registry::find_registration(spi, table.oid) || info.is_archived()) {
        pg::raise({ERRCODE_DUPLICATE_OBJECT,
                   "table " + quote(table.name) + " is already registered",
                   {},
                   "Change its settings with softdelete.configure(), or mend it with softdelete.repair().",
                   table.oid});
    }
}

void check_library_is_loaded(pg::Spi &spi) {
    pg::call([] { session::check_version(); });
    std::string database_setting = get_database_setting(spi);
    if (pg::names_library(pg::shared_preload_libraries(), library)
        || pg::names_library(pg::session_preload_libraries(), library)
        || pg::names_library(database_setting, library)) {
        return;
    }
    pg::raise({ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "softdelete is not loaded when sessions start",
               "Sessions without the library cannot delete softly.",
               get_loading_hint(spi, database_setting)});
}

} // namespace softdelete::registration
