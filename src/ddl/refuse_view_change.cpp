// Refuses commands that would move one of our views or change its meaning. Event triggers call it. What a view means is
// asked of the server, once it has taken the new definition.
#include "ddl/refuse_view_change.hpp"

#include "ddl/parse_tree.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "registration/plan_parts.hpp"
#include "registration/run_steps.hpp"
#include "registry/registered_names.hpp"
#include "session/utility_commands.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
}

#include <cstring>
#include <optional>

namespace softdelete::ddl {

namespace {

// The relation, where it is a view; InvalidOid otherwise.
Oid as_view(Oid relation) {
    bool is_view =
        OidIsValid(relation) && pg::call([&] { return get_rel_relkind(relation) == RELKIND_VIEW; });
    return is_view ? relation : InvalidOid;
}

[[noreturn]] void refuse(Oid view, Oid table, const std::string &what) {
    std::string view_name = pg::call([&] { return get_rel_name(view); });
    std::string table_name = pg::call([&] { return get_rel_name(table); });
    pg::raise({ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
               "cannot " + what + " view \"" + view_name + "\" of registered table \"" + table_name + "\"",
               "softdelete keeps the view in step with the table.",
               "Create a view of your own that reads it.", view});
}

// What a statement does that moves a view, or renames a column of it; null for any other.
const char *get_move(Node *node) {
    if (IsA(node, AlterObjectSchemaStmt)) {
        ObjectType type = castNode(AlterObjectSchemaStmt, node)->objectType;
        return type == OBJECT_VIEW || type == OBJECT_TABLE ? "change the schema of" : nullptr;
    }
    bool renames_column = IsA(node, RenameStmt) && castNode(RenameStmt, node)->renameType == OBJECT_COLUMN;
    return renames_column ? "rename a column of" : nullptr;
}

// The table whose registration made the view, and whether it is one with an archive.
constexpr const char *maker_query = R"(
    SELECT r.relation::pg_catalog.oid, r.is_archived
    FROM (SELECT g.relation, g.added_views, false FROM softdelete_internal.registration g
          UNION ALL SELECT a.relation, ARRAY[a.active_view, a.deleted_view, a.all_view], true
          FROM softdelete_internal.archive a) AS r (relation, added_views, is_archived)
    JOIN pg_catalog.pg_class t ON t.oid = r.relation
    JOIN pg_catalog.pg_class v ON v.relnamespace = t.relnamespace AND v.relname = ANY (r.added_views)
    WHERE v.oid = $1::pg_catalog.oid AND v.relkind = 'v'
    ORDER BY r.is_archived DESC)";

struct Maker {
    Oid table;
    bool is_archived;
};

std::optional<Maker> read_maker(Oid view) {
    pg::Spi spi;
    pg::UserScope owner(pg::get_extension_owner());
    auto rows = spi.query_kept(maker_query, {view});
    return rows.empty() ? std::nullopt : std::optional(Maker{rows.front().oid(0), rows.front().boolean(1)});
}

std::optional<Oid> find_maker(Oid view) {
    std::optional<Maker> maker = read_maker(view);
    return maker ? std::optional(maker->table) : std::nullopt;
}

void refuse_drop(const DropStmt *drop) {
    ListCell *cell;
    foreach (cell, drop->objects) {
        Oid view = as_view(
            pg::call([&] { return find_relation(makeRangeVarFromNameList(lfirst_node(List, cell))); }));
        std::optional<Oid> table = OidIsValid(view) ? find_maker(view) : std::nullopt;
        if (table) {
            std::string view_name = pg::call([&] { return get_rel_name(view); });
            std::string table_name = pg::call([&] { return get_rel_name(*table); });
            pg::raise({ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
                       "cannot drop view \"" + view_name + "\" of registered table \"" + table_name + "\"",
                       {},
                       "softdelete.unregister() removes it. A tool that compares schemas has to be told to "
                       "leave it alone.",
                       view});
        }
    }
}

bool turns_invoker_off(const AlterTableCmd *command) {
    if (command->subtype != AT_SetRelOptions && command->subtype != AT_ResetRelOptions
        && command->subtype != AT_ReplaceRelOptions) {
        return false;
    }
    ListCell *cell;
    foreach (cell, castNode(List, command->def)) {
        auto *option = lfirst_node(DefElem, cell);
        if (strcmp(option->defname, "security_invoker") == 0
            && (command->subtype == AT_ResetRelOptions || !defGetBoolean(option))) {
            return true;
        }
    }
    return false;
}

// The view must read with its reader's rights, or it shows everybody what its owner may see.
void refuse_options(const AlterTableStmt *alter, Oid relation) {
    ListCell *cell;
    foreach (cell, alter->cmds) {
        const AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);
        Oid view = pg::call([&] { return turns_invoker_off(command); }) ? as_view(relation) : InvalidOid;
        std::optional<Oid> table = OidIsValid(view) ? find_maker(view) : std::nullopt;
        if (table) {
            refuse(view, *table, "turn security_invoker off for");
        }
    }
}

// CREATE OR REPLACE RULE "_RETURN" is the old way to write CREATE OR REPLACE VIEW.
void refuse_return_rule(const RuleStmt *rule, Oid relation) {
    Oid view = rule->event == CMD_SELECT ? as_view(relation) : InvalidOid;
    std::optional<Oid> table = OidIsValid(view) ? find_maker(view) : std::nullopt;
    if (table) {
        refuse(view, *table, "replace");
    }
}

bool is_security_invoker(pg::Spi &spi, Oid view) {
    return !spi.query_kept("SELECT FROM pg_catalog.pg_class c, pg_catalog.pg_options_to_table(c.reloptions) o"
                           " WHERE c.oid = $1::pg_catalog.oid AND o.option_name OPERATOR(pg_catalog.=) "
                           "'security_invoker'"
                           " AND o.option_value::pg_catalog.bool",
                           {view})
                .empty();
}

// Not a trigger, a rule or a column of it.
bool renames_view(const Node *statement) {
    if (!IsA(statement, RenameStmt)) {
        return false;
    }
    ObjectType type = castNode(RenameStmt, const_cast<Node *>(statement))->renameType;
    return type == OBJECT_VIEW || type == OBJECT_TABLE;
}

} // namespace

void refuse_view_move(const DdlCommand &command) {
    const char *what = get_move(command.node);
    Oid view = what == nullptr ? InvalidOid : as_view(command.relation);
    if (!OidIsValid(view)) {
        return;
    }
    pg::Spi spi;
    if (std::optional<Oid> table = registry::find_table_of_view(spi, view)) {
        refuse(view, *table, what);
    }
}

void refuse_view_drop(const DdlCommand &command) {
    const Node *statement = command.node;
    if (IsA(statement, DropStmt)
        && castNode(DropStmt, const_cast<Node *>(statement))->removeType == OBJECT_VIEW) {
        refuse_drop(castNode(DropStmt, const_cast<Node *>(statement)));
    } else if (IsA(statement, AlterTableStmt)) {
        refuse_options(castNode(AlterTableStmt, const_cast<Node *>(statement)), command.relation);
    } else if (IsA(statement, RuleStmt)) {
        refuse_return_rule(castNode(RuleStmt, const_cast<Node *>(statement)), command.relation);
    }
}

void refuse_archived_view_change(const DdlCommand &command) {
    refuse_view_drop(command);
    const char *what = renames_view(command.node) ? "rename" : get_move(command.node);
    Oid view = what == nullptr ? InvalidOid : as_view(command.relation);
    std::optional<Maker> maker = OidIsValid(view) ? read_maker(view) : std::nullopt;
    if (maker && maker->is_archived) {
        refuse(view, maker->table, what);
    }
}

void refuse_archived_view_replacement(const DdlCommand &command) {
    const Node *statement = command.node;
    if (!IsA(statement, ViewStmt) || !castNode(ViewStmt, const_cast<Node *>(statement))->replace) {
        return;
    }
    Oid view = as_view(command.relation);
    std::optional<Maker> maker = OidIsValid(view) ? read_maker(view) : std::nullopt;
    if (maker && maker->is_archived) {
        refuse(view, maker->table, "replace");
    }
}

void refuse_view_change(const DdlCommand &command) {
    const Node *statement = command.node;
    if (!IsA(statement, ViewStmt) || !castNode(ViewStmt, const_cast<Node *>(statement))->replace) {
        return;
    }
    Oid view = as_view(command.relation);
    pg::Spi spi;
    std::optional<Oid> relation = OidIsValid(view) ? registry::find_table_of_view(spi, view) : std::nullopt;
    if (!relation) {
        return;
    }
    catalog::Table table = catalog::get_table_definition(spi, *relation);
    registration::TableWork work =
        registration::begin_work(spi, table, *registry::find_registration(spi, *relation), true);
    if (!registration::is_view_in_step(work, view, pg::call([&] { return get_rel_name(view); }))) {
        refuse(view, *relation, "replace");
    }
    if (find_maker(view) && !is_security_invoker(spi, view)) {
        session::OwnDdlScope own_ddl;
        spi.execute("ALTER VIEW " + catalog::get_qualified_name(spi, view).text()
                    + " SET (security_invoker = true)");
    }
}

} // namespace softdelete::ddl
