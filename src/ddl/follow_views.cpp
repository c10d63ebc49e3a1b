// Drops our views before a command that they would refuse, and makes them again after it. Event triggers call the two
// halves. What has to be put back (catalog/view_properties) is kept as SQL statements in the transaction's memory.
#include "ddl/follow_views.hpp"

#include "archive/follow_archived.hpp"
#include "catalog/table_info.hpp"
#include "catalog/view_properties.hpp"
#include "ddl/command_table.hpp"
#include "ddl/parse_tree.hpp"
#include "pg/compat.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "registration/bring_in_step.hpp"
#include "registration/run_steps.hpp"
#include "registry/archive_scan.hpp"
#include "registry/registered_names.hpp"
#include "registry/registry_scan.hpp"
#include "session/registered_table.hpp"
#include "session/utility_commands.hpp"

extern "C" {
#include "access/xact.h"
#include "catalog/namespace.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
}

#include <optional>

namespace softdelete::ddl {

namespace {

// A statement to run when the views are there again.
struct Afterwards {
    Oid table;
    Oid role; // 0 for the table's owner
    char *command;
    uint64 of; // the command that it follows
    int nest_level;
    Afterwards *next;
};

Afterwards *afterwards = nullptr;

// The views of a registered table that register() made, by name and in the order in which they are locked.
constexpr const char *views_query = R"(
    SELECT DISTINCT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname)
    FROM (SELECT g.relation, g.added_views FROM softdelete_internal.registration g
          UNION ALL SELECT a.relation, ARRAY[a.active_view, a.deleted_view, a.all_view] FROM softdelete_internal.archive a) r
    JOIN pg_catalog.pg_class t ON t.oid = r.relation
    JOIN pg_catalog.pg_class c ON c.relnamespace = t.relnamespace AND c.relname = ANY (r.added_views) AND c.relkind = 'v'
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE r.relation = $1::pg_catalog.oid
    ORDER BY c.oid)";

std::vector<pg::Row> find_views(pg::Spi &spi, Oid table) {
    pg::UserScope owner(pg::get_extension_owner());
    return spi.query_kept(views_query, {table});
}

void note_afterwards(Oid table, Oid role, const std::string &command) {
    pg::call([&] {
        auto *entry =
            static_cast<Afterwards *>(MemoryContextAlloc(TopTransactionContext, sizeof(Afterwards)));
        entry->table = table;
        entry->role = role;
        entry->command = MemoryContextStrdup(TopTransactionContext, command.c_str());
        entry->of = session::running_command();
        entry->nest_level = GetCurrentTransactionNestLevel();
        entry->next = nullptr;
        Afterwards **place = &afterwards;
        while (*place != nullptr) {
            place = &(*place)->next;
        }
        *place = entry;
    });
}

// Tables with the one strategy, or with the other.
using IsOurs = bool (*)(Oid relation);

// What a statement does to a table that its views feel.
enum class ViewChange {
    none,
    plain,    // a column is renamed, or some are added and nothing else is done
    in_place, // a column is added besides
    anew,     // a column goes or gets another type
    moved,    // another schema or owner
    dropped
};

// A constraint on a column may bring an index or a trigger.
bool adds_plain_column(const AlterTableCmd *command) {
    if (command->subtype != AT_AddColumn) {
        return false;
    }
    ListCell *cell;
    foreach (cell, castNode(ColumnDef, command->def)->constraints) {
        ConstrType type = lfirst_node(Constraint, cell)->contype;
        if (type != CONSTR_NULL && type != CONSTR_NOTNULL && type != CONSTR_DEFAULT && type != CONSTR_CHECK) {
            return false;
        }
    }
    return true;
}

ViewChange get_view_change(const Node *statement) {
    if (IsA(statement, RenameStmt)) {
        ObjectType type = castNode(RenameStmt, const_cast<Node *>(statement))->relationType;
        bool has_table = type == OBJECT_TABLE || type == OBJECT_TYPE;
        return has_table && renames_column(statement) ? ViewChange::plain : ViewChange::none;
    }
    if (IsA(statement, AlterObjectSchemaStmt)) {
        bool is_table =
            castNode(AlterObjectSchemaStmt, const_cast<Node *>(statement))->objectType == OBJECT_TABLE;
        return is_table ? ViewChange::moved : ViewChange::none;
    }
    if (IsA(statement, DropStmt)) {
        bool is_table = castNode(DropStmt, const_cast<Node *>(statement))->removeType == OBJECT_TABLE;
        return is_table ? ViewChange::dropped : ViewChange::none;
    }
    if (!IsA(statement, AlterTableStmt)) {
        return ViewChange::none;
    }
    ViewChange change = ViewChange::none;
    bool is_plain = true;
    ListCell *cell;
    foreach (cell, castNode(AlterTableStmt, const_cast<Node *>(statement))->cmds) {
        const auto *command = lfirst_node(AlterTableCmd, cell);
        AlterTableType type = command->subtype;
        is_plain = is_plain && adds_plain_column(command);
        if (type == AT_DropColumn || type == AT_AlterColumnType || pg::compat::sets_expression(command)) {
            return ViewChange::anew; // of the last one an archive makes a change of type
        }
        if (type == AT_ChangeOwner) {
            change = ViewChange::moved;
        } else if (type == AT_AddColumn && change != ViewChange::moved) {
            change = ViewChange::in_place;
        }
    }
    return change == ViewChange::in_place && is_plain ? ViewChange::plain : change;
}

// The columns that go: what was said of them is not put back.
std::vector<std::string> get_dropped_columns(const AlterTableStmt *alter) {
    std::vector<std::string> columns;
    ListCell *cell;
    foreach (cell, alter->cmds) {
        const AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);
        if (command->subtype == AT_DropColumn) {
            columns.emplace_back(command->name);
        }
    }
    return columns;
}

// What depends on the views goes with a column only where the user says so.
bool has_cascade(const AlterTableStmt *alter) {
    ListCell *cell;
    foreach (cell, alter->cmds) {
        const AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);
        if (command->subtype == AT_DropColumn && command->behavior == DROP_CASCADE) {
            return true;
        }
    }
    return false;
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

// Notes what the views have, for when they come back.
void keep_properties(pg::Spi &spi, Oid table, const std::vector<std::string> &dropped_columns) {
    for (const pg::Row &view : find_views(spi, table)) {
        for (const auto &property : catalog::get_view_properties(spi, view.oid(0), table, dropped_columns)) {
            note_afterwards(table, property.role, property.command);
        }
    }
}

void drop_views(pg::Spi &spi, Oid table, bool cascade) {
    session::OwnDdlScope own_ddl;
    for (const pg::Row &view : find_views(spi, table)) {
        spi.execute("DROP VIEW " + view.text(1) + (cascade ? " CASCADE" : ""));
    }
}

// DROP TABLE without CASCADE would stop at our own views.
void drop_views_of_dropped(const DropStmt *drop, IsOurs is_ours) {
    ListCell *cell;
    foreach (cell, drop->objects) {
        Oid relation =
            pg::call([&] { return find_relation(makeRangeVarFromNameList(lfirst_node(List, cell))); });
        if (is_ours(relation)) {
            check_owner(relation);
            pg::Spi spi;
            if (catalog::get_table(spi, relation).relation == relation) { // no partition
                drop_views(spi, relation, drop->behavior == DROP_CASCADE);
            }
        }
    }
}

// Views go where their table goes, and so does its archive.
void move_views(pg::Spi &spi, Oid relation, const Node *statement) {
    std::string what;
    if (IsA(statement, AlterObjectSchemaStmt)) {
        what =
            "SET SCHEMA "
            + pg::quote_identifier(castNode(AlterObjectSchemaStmt, const_cast<Node *>(statement))->newschema);
    } else {
        what = "OWNER TO " + get_new_owner(castNode(AlterTableStmt, const_cast<Node *>(statement)));
    }
    for (const pg::Row &view : find_views(spi, relation)) {
        note_afterwards(relation, 0, "ALTER VIEW " + view.text(1) + " " + what);
    }
    for (const std::string &table : archive::find_archive_tables(spi, relation)) {
        note_afterwards(relation, 0, "ALTER TABLE " + table + " " + what);
    }
}

// The registered table whose views the change concerns; 0 where none does. The columns of partitions and inheritance
// children are their parent's, and those that a child has of its own are not in the views.
Oid find_concerned(pg::Spi &spi, Oid relation) {
    bool is_whole = registry::find_registered_root(spi, relation) == relation
                    || pg::call([&] { return registry::find_archived_relation(relation) == relation; });
    return is_whole ? relation : InvalidOid;
}

// The first that is to follow the running command, for this table where one is given.
Afterwards **find_afterwards(Oid table = InvalidOid) {
    auto is_meant = [&](const Afterwards *entry) {
        return entry->of == session::running_command() && (!OidIsValid(table) || entry->table == table);
    };
    Afterwards **place = &afterwards;
    while (*place != nullptr && !is_meant(*place)) {
        place = &(*place)->next;
    }
    return place;
}

// As their owner, or as who had done it before.
void run_afterwards(pg::Spi &spi, Oid table, std::optional<Oid> owner) {
    session::OwnDdlScope own_ddl;
    for (Afterwards **place = find_afterwards(table); *place != nullptr; place = find_afterwards(table)) {
        const Afterwards *entry = *place;
        *place = entry->next;
        std::optional<pg::UserScope> role;
        if (OidIsValid(entry->role) || owner) {
            role.emplace(OidIsValid(entry->role) ? entry->role : *owner);
        }
        spi.execute(entry->command);
    }
}

// Is it one of ours that is renamed? More than the views speaks of those. The registration may follow later.
bool renames_own_column(pg::Spi &spi, Oid table, const Node *statement) {
    if (!IsA(statement, RenameStmt)) {
        return false;
    }
    const RenameStmt *rename = castNode(RenameStmt, const_cast<Node *>(statement));
    std::optional<registry::Registration> registration = registry::find_registration(spi, table);
    auto is_own = [&](const char *name) {
        return !registration || registration->settings.deleted_at == name
               || registration->settings.deleted_by == name
               || registration::deletion_id_column == std::string(name);
    };
    return is_own(rename->subname) || is_own(rename->newname);
}

// The views of both strategies are there again.
void put_properties_back(pg::Spi &spi, Oid table, ViewChange change) {
    Oid owner = catalog::get_table(spi, table).owner;
    if (change == ViewChange::anew) {
        pg::UserScope scope(owner);
        session::OwnDdlScope own_ddl;
        for (const pg::Row &view : find_views(spi, table)) {
            catalog::revoke_default_privileges(spi, view.oid(0));
        }
    }
    run_afterwards(spi, table, owner);
}

void bring_views_in_step(pg::Spi &spi, Oid relation, const Node *statement, ViewChange change) {
    Oid table = find_concerned(spi, relation);
    if (!OidIsValid(table)) {
        return;
    }
    if (change == ViewChange::plain && !renames_own_column(spi, table, statement)) {
        registration::repair_views(table);
    } else {
        registration::repair_table(table, registration::Views::own);
    }
    put_properties_back(spi, table, change);
}

void prepare(const DdlCommand &command, IsOurs is_ours) {
    Node *statement = command.node;
    ViewChange change = get_view_change(statement);
    if (change == ViewChange::dropped) {
        drop_views_of_dropped(castNode(DropStmt, statement), is_ours);
        return;
    }
    if (change != ViewChange::anew && change != ViewChange::moved) {
        return;
    }
    Oid relation = command.relation;
    if (!is_ours(relation)) {
        return;
    }
    // Nobody else is to lock the views.
    check_owner(relation);
    pg::Spi spi;
    if (!OidIsValid(find_concerned(spi, relation))) {
        return;
    }
    if (change == ViewChange::moved) {
        move_views(spi, relation, statement);
    } else {
        const AlterTableStmt *alter = castNode(AlterTableStmt, statement);
        keep_properties(spi, relation, get_dropped_columns(alter));
        drop_views(spi, relation, has_cascade(alter));
    }
}

} // namespace

void prepare_views(const DdlCommand &command) {
    prepare(command, is_registered);
}

void prepare_archived_views(const DdlCommand &command) {
    prepare(command, is_archived);
}

void finish_views(const DdlCommand &command) {
    const Node *statement = command.node;
    ViewChange change = get_view_change(statement);
    if (change == ViewChange::none || change == ViewChange::dropped) {
        return;
    }
    // A table that has moved is not found by the statement's name for it, and needs no more than what was noted.
    if (change == ViewChange::moved ? *find_afterwards() == nullptr : !is_registered(command.relation)) {
        return;
    }
    pg::Spi spi;
    if (change == ViewChange::moved) {
        run_afterwards(spi, InvalidOid, std::nullopt);
    } else {
        bring_views_in_step(spi, command.relation, statement, change);
    }
}

void finish_archived_views(const DdlCommand &command, void (*bring_in_step)(Oid table)) {
    ViewChange change = get_view_change(command.node);
    if (change == ViewChange::none || change == ViewChange::dropped || change == ViewChange::moved) {
        return; // of those that moved finish_views() has taken care
    }
    if (is_archived(command.relation)) {
        pg::Spi spi;
        if (OidIsValid(find_concerned(spi, command.relation))) {
            bring_in_step(command.relation);
            put_properties_back(spi, command.relation, change);
        }
    }
}

void forget_prepared_views(int nest_level) noexcept {
    Afterwards **place = &afterwards;
    while (*place != nullptr) {
        if ((*place)->nest_level >= nest_level) {
            *place = (*place)->next;
        } else {
            place = &(*place)->next;
        }
    }
}

} // namespace softdelete::ddl
