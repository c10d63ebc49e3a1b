// Keeps what has to be put back as SQL statements, in the transaction's memory.
#include "commands/follow_views.hpp"

#include "catalog/registry.hpp"
#include "catalog/table_info.hpp"
#include "commands/repair_table.hpp"
#include "commands/run_steps.hpp"
#include "pg/compat.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "planner/registered_table.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
}

#include <optional>

namespace softdelete::commands {

namespace {

// A statement to run, as the table's owner, when the views are there again.
struct Afterwards {
    char *command;
    Afterwards *next;
};

Afterwards *afterwards = nullptr;

// The views of a registered table that register() made, by name and in the order in which they are locked.
constexpr const char *views_query = R"(
    SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname)
    FROM softdelete.registration r
    JOIN pg_catalog.pg_class t ON t.oid = r.relation
    JOIN pg_catalog.pg_class c ON c.relnamespace = t.relnamespace AND c.relname = ANY (r.added_views) AND c.relkind = 'v'
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE r.relation = $1::pg_catalog.oid
    ORDER BY c.oid)";

// What a view has beside its query, as statements. Privileges that default privileges would add are taken away first.
constexpr const char *properties_query = R"(
    WITH v AS (SELECT c.*, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name FROM pg_catalog.pg_class c
               JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::pg_catalog.oid),
    grantee AS (SELECT a.*, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(
                    pg_catalog.pg_get_userbyid(a.grantee)) END AS role, v.name
                FROM v CROSS JOIN LATERAL pg_catalog.aclexplode(v.relacl) a WHERE a.grantee <> v.relowner)
    SELECT 1, pg_catalog.format('ALTER VIEW %s SET (%s)', name, pg_catalog.array_to_string(reloptions, ', '))
    FROM v WHERE reloptions IS NOT NULL
    UNION ALL
    SELECT 2, pg_catalog.format('GRANT %s ON %s TO %s%s', privilege_type, name, role,
                                CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) FROM grantee
    UNION ALL
    SELECT 3, pg_catalog.format('GRANT %s (%I) ON %s TO %s%s', a.privilege_type, t.attname, v.name,
                                CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(
                                    pg_catalog.pg_get_userbyid(a.grantee)) END,
                                CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM v JOIN pg_catalog.pg_attribute t ON t.attrelid = v.oid AND t.attacl IS NOT NULL AND t.attname <> ALL (
        pg_catalog.string_to_array($2, ','))
    CROSS JOIN LATERAL pg_catalog.aclexplode(t.attacl) a
    UNION ALL
    SELECT 4, pg_catalog.format('COMMENT ON %s IS %L', CASE d.objsubid WHEN 0 THEN 'VIEW ' || v.name
                                ELSE 'COLUMN ' || v.name || '.' || pg_catalog.quote_ident(t.attname) END, d.description)
    FROM v JOIN pg_catalog.pg_description d ON d.objoid = v.oid AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
    LEFT JOIN pg_catalog.pg_attribute t ON t.attrelid = v.oid AND t.attnum = d.objsubid
    WHERE d.objsubid = 0 OR t.attname <> ALL (pg_catalog.string_to_array($2, ','))
    ORDER BY 1)";

void note_afterwards(const std::string &command) {
    pg::call([&] {
        auto *entry =
            static_cast<Afterwards *>(MemoryContextAlloc(TopTransactionContext, sizeof(Afterwards)));
        entry->command = MemoryContextStrdup(TopTransactionContext, command.c_str());
        entry->next = nullptr;
        Afterwards **place = &afterwards;
        while (*place != nullptr) {
            place = &(*place)->next;
        }
        *place = entry;
    });
}

// What a statement does to a table that its views feel.
enum class Change {
    none,
    in_place, // a column is added or renamed, or triggers are enabled
    anew,     // a column goes or gets another type
    moved,    // another schema or owner
    dropped
};

Change get_change(const Node *statement) {
    if (IsA(statement, RenameStmt)) {
        const RenameStmt *rename = castNode(RenameStmt, const_cast<Node *>(statement));
        bool is_column = rename->renameType == OBJECT_COLUMN && rename->relationType == OBJECT_TABLE;
        return is_column ? Change::in_place : Change::none;
    }
    if (IsA(statement, AlterObjectSchemaStmt)) {
        bool is_table =
            castNode(AlterObjectSchemaStmt, const_cast<Node *>(statement))->objectType == OBJECT_TABLE;
        return is_table ? Change::moved : Change::none;
    }
    if (IsA(statement, DropStmt)) {
        bool is_table = castNode(DropStmt, const_cast<Node *>(statement))->removeType == OBJECT_TABLE;
        return is_table ? Change::dropped : Change::none;
    }
    if (!IsA(statement, AlterTableStmt)) {
        return Change::none;
    }
    Change change = Change::none;
    ListCell *cell;
    foreach (cell, castNode(AlterTableStmt, const_cast<Node *>(statement))->cmds) {
        AlterTableType type = lfirst_node(AlterTableCmd, cell)->subtype;
        if (type == AT_DropColumn || type == AT_AlterColumnType) {
            return Change::anew;
        }
        // Triggers that are enabled again must fire under replica as well, which repair sees to.
        if (type == AT_AddColumn || type == AT_EnableTrigAll || type == AT_EnableTrigUser) {
            change = Change::in_place;
        } else if (type == AT_ChangeOwner) {
            change = Change::moved;
        }
    }
    return change;
}

const RangeVar *get_name(const Node *statement) {
    if (IsA(statement, RenameStmt)) {
        return castNode(RenameStmt, const_cast<Node *>(statement))->relation;
    }
    if (IsA(statement, AlterObjectSchemaStmt)) {
        return castNode(AlterObjectSchemaStmt, const_cast<Node *>(statement))->relation;
    }
    return castNode(AlterTableStmt, const_cast<Node *>(statement))->relation;
}

Oid find_registered(const RangeVar *name) {
    return pg::call([&] {
        planner::RegisteredTable table;
        Oid relation = name == nullptr ? InvalidOid : RangeVarGetRelid(name, NoLock, true);
        return OidIsValid(relation) && planner::find_registered_table(relation, &table) ? relation
                                                                                        : InvalidOid;
    });
}

// The columns that go, separated by commas: what was said of them is not put back.
std::string get_dropped_columns(const Node *statement) {
    std::string columns;
    ListCell *cell;
    foreach (cell, castNode(AlterTableStmt, const_cast<Node *>(statement))->cmds) {
        const AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);
        if (command->subtype == AT_DropColumn) {
            columns += (columns.empty() ? "" : ",") + std::string(command->name);
        }
    }
    return columns;
}

std::string get_new_owner(const AlterTableStmt *alter) {
    ListCell *cell;
    foreach (cell, alter->cmds) {
        const AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);
        if (command->subtype == AT_ChangeOwner) {
            const RoleSpec *role = command->newowner;
            return pg::quote_identifier(
                pg::call([&] { return GetUserNameFromId(get_rolespec_oid(role, false), false); }));
        }
    }
    return "CURRENT_USER";
}

void check_owner(Oid relation) {
    pg::call([&] {
        if (!pg::compat::owns_relation(relation, GetUserId())) {
            aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relation));
        }
    });
}

// Drops the views; keep says whether they come back with what they have.
void drop_views(pg::Spi &spi, Oid relation, const std::string &dropped_columns, bool keep) {
    catalog::TableInfo table = catalog::get_table(spi, relation);
    for (const pg::Row &view : spi.query(views_query, {table.relation})) {
        if (keep) {
            for (const pg::Row &property : spi.query(properties_query, {view.oid(0), dropped_columns})) {
                note_afterwards(property.text(1));
            }
        }
        OwnDdlScope own_ddl;
        spi.execute("DROP VIEW " + view.text(1));
    }
}

// DROP TABLE without CASCADE would stop at our own views.
void drop_views_of_dropped(const DropStmt *drop) {
    ListCell *cell;
    foreach (cell, drop->objects) {
        Oid relation =
            find_registered(pg::call([&] { return makeRangeVarFromNameList(lfirst_node(List, cell)); }));
        if (OidIsValid(relation)) {
            check_owner(relation);
            pg::SettingScope settings;
            settings.set("search_path", "pg_catalog, pg_temp");
            pg::Spi spi;
            drop_views(spi, relation, "", false);
        }
    }
}

// Views go where their table goes.
void move_views(pg::Spi &spi, Oid relation, const Node *statement) {
    std::string what;
    if (IsA(statement, AlterObjectSchemaStmt)) {
        what =
            "SET SCHEMA "
            + pg::quote_identifier(castNode(AlterObjectSchemaStmt, const_cast<Node *>(statement))->newschema);
    } else {
        what = "OWNER TO " + get_new_owner(castNode(AlterTableStmt, const_cast<Node *>(statement)));
    }
    for (const pg::Row &view : spi.query(views_query, {relation})) {
        note_afterwards("ALTER VIEW " + view.text(1) + " " + what);
    }
}

} // namespace

void prepare_views(Node *statement) {
    Change change = get_change(statement);
    if (change == Change::dropped) {
        drop_views_of_dropped(castNode(DropStmt, statement));
        return;
    }
    if (change != Change::anew && change != Change::moved) {
        return;
    }
    Oid relation = find_registered(get_name(statement));
    if (!OidIsValid(relation)) {
        return;
    }
    // Nobody else is to lock the views.
    check_owner(relation);
    pg::SettingScope settings;
    settings.set("search_path", "pg_catalog, pg_temp");
    pg::Spi spi;
    if (change == Change::moved) {
        move_views(spi, relation, statement);
    } else {
        drop_views(spi, relation, get_dropped_columns(statement), true);
    }
}

void finish_views(const Node *statement) {
    Change change = get_change(statement);
    if (change == Change::none || change == Change::dropped) {
        return;
    }
    // A table that has moved is not found by the statement's name for it, and needs no more than what was noted.
    Oid relation = change == Change::moved ? InvalidOid : find_registered(get_name(statement));
    if (change == Change::moved ? afterwards == nullptr : !OidIsValid(relation)) {
        return;
    }
    pg::SettingScope settings;
    settings.set("search_path", "pg_catalog, pg_temp");
    pg::Spi spi;
    std::optional<pg::UserScope> owner;
    if (change != Change::moved) {
        catalog::TableInfo table = catalog::get_table(spi, relation);
        repair_table(table.relation);
        owner.emplace(table.owner);
    }
    OwnDdlScope own_ddl;
    for (; afterwards != nullptr; afterwards = afterwards->next) {
        spi.execute(afterwards->command);
    }
}

void forget_prepared_views() noexcept {
    afterwards = nullptr;
}

} // namespace softdelete::commands
