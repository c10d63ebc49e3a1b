// What a view means is asked of the server, once it has taken the new definition.
#include "ddl/refuse_view_change.hpp"

#include "ddl/parse_tree.hpp"
#include "pg/scopes.hpp"
#include "registration/plan_parts.hpp"
#include "registry/registered_names.hpp"

extern "C" {
#include "catalog/pg_class.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
}

#include <optional>

namespace softdelete::ddl {

namespace {

Oid find_view(const RangeVar *name) {
    return pg::call([&] {
        Oid relation = find_relation(name);
        return OidIsValid(relation) && get_rel_relkind(relation) == RELKIND_VIEW ? relation : InvalidOid;
    });
}

[[noreturn]] void refuse(Oid view, Oid table, const std::string &what) {
    std::string view_name = pg::call([&] { return get_rel_name(view); });
    std::string table_name = pg::call([&] { return get_rel_name(table); });
    pg::raise({ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
               "cannot " + what + " view \"" + view_name + "\" of registered table \"" + table_name + "\"",
               "softdelete keeps the view in step with the table.",
               "Create a view of your own that reads it.", view});
}

// The view that a statement moves, or whose column it renames.
const RangeVar *get_moved(const Node *statement, const char **what) {
    if (IsA(statement, AlterObjectSchemaStmt)) {
        const auto *move = castNode(AlterObjectSchemaStmt, const_cast<Node *>(statement));
        *what = "change the schema of";
        return move->objectType == OBJECT_VIEW || move->objectType == OBJECT_TABLE ? move->relation : nullptr;
    }
    if (IsA(statement, RenameStmt)) {
        const RenameStmt *rename = castNode(RenameStmt, const_cast<Node *>(statement));
        *what = "rename a column of";
        return rename->renameType == OBJECT_COLUMN ? rename->relation : nullptr;
    }
    return nullptr;
}

} // namespace

void refuse_view_move(const Node *statement) {
    const char *what = nullptr;
    const RangeVar *name = get_moved(statement, &what);
    Oid view = name == nullptr ? InvalidOid : find_view(name);
    if (!OidIsValid(view)) {
        return;
    }
    pg::Spi spi;
    if (std::optional<Oid> table = registry::find_table_of_view(spi, view)) {
        refuse(view, *table, what);
    }
}

void refuse_view_change(const Node *statement) {
    if (!IsA(statement, ViewStmt) || !castNode(ViewStmt, const_cast<Node *>(statement))->replace) {
        return;
    }
    Oid view = find_view(castNode(ViewStmt, const_cast<Node *>(statement))->view);
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
}

} // namespace softdelete::ddl
