// Skips the CREATE VIEW and ADD COLUMN of a migration that makes what register() has made already, with a notice.
// Called by the utility hook. Whatever is not exactly the same is left to the server, which says that it exists.
#include "utility/adopt_existing.hpp"

#include "ddl/parse_tree.hpp"
#include "pg/compat.hpp"
#include "pg/relations.hpp"
#include "registry/registry.hpp"
#include "session/extension_functions.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "nodes/parsenodes.h"
#include "parser/analyze.h"
#include "parser/parse_type.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

namespace softdelete::utility {

namespace {

// The view that stands where the statement would create one, if it is the current user's; 0 otherwise.
Oid find_own_view(const ViewStmt *statement) {
    auto *name = static_cast<RangeVar *>(copyObjectImpl(statement->view));
    Oid existing = InvalidOid;
    (void)RangeVarGetAndCheckCreationNamespace(name, NoLock, &existing);
    bool is_own_view = OidIsValid(existing) && name->relpersistence == RELPERSISTENCE_PERMANENT
                       && get_rel_relkind(existing) == RELKIND_VIEW
                       && pg::compat::owns_relation(existing, GetUserId());
    return is_own_view ? existing : InvalidOid;
}

// As DefineView() in src/backend/commands/view.c.
Query *analyze_view_query(const PlannedStmt *plan, const ViewStmt *statement, const char *query_string) {
    RawStmt *raw = makeNode(RawStmt);
    raw->stmt = static_cast<Node *>(copyObjectImpl(statement->query));
    raw->stmt_location = plan->stmt_location;
    raw->stmt_len = plan->stmt_len;
    return parse_analyze_fixedparams(raw, query_string, nullptr, 0, nullptr); // the user's own statement
}

bool is_registered_view(Oid view, Oid table) {
    pg::Spi spi;
    std::optional<registry::Registration> registration = registry::find_registration(spi, table);
    if (!registration) {
        return false;
    }
    std::string name = pg::call([&] { return get_rel_name(view); });
    const model::TableSettings &settings = registration->settings;
    return pg::call([&] { return get_rel_namespace(view) == get_rel_namespace(table); })
           && (name == settings.active_view || name == settings.deleted_view || name == settings.all_view);
}

bool mean_the_same(const pg::SimpleView &left, const pg::SimpleView &right) {
    return left.is_simple && right.is_simple && left.table == right.table && left.condition == right.condition
           && left.condition != pg::ViewCondition::other && left.condition_column == right.condition_column
           && left.function == right.function && left.columns == right.columns;
}

bool adds_nothing_else(const ColumnDef *column) {
    ListCell *cell;
    foreach (cell, column->constraints) {
        const Constraint *constraint = lfirst_node(Constraint, cell);
        bool is_default_null = constraint->contype == CONSTR_DEFAULT && constraint->raw_expr != nullptr
                               && IsA(constraint->raw_expr, A_Const)
                               && castNode(A_Const, constraint->raw_expr)->isnull;
        if (constraint->contype != CONSTR_NULL && !is_default_null) {
            return false;
        }
    }
    return column->collClause == nullptr;
}

// The column that the command would add, if the table has one of that name, type and modifier; null otherwise.
const ColumnDef *find_existing_column(Oid relation, const AlterTableCmd *command) {
    if (command->subtype != AT_AddColumn || command->missing_ok) {
        return nullptr;
    }
    const ColumnDef *column = castNode(ColumnDef, command->def);
    AttrNumber attribute = get_attnum(relation, column->colname);
    if (attribute <= 0 || !adds_nothing_else(column)) {
        return nullptr;
    }
    Oid type = InvalidOid, collation = InvalidOid;
    int32 modifier = -1, wanted_modifier = -1;
    get_atttypetypmodcoll(relation, attribute, &type, &modifier, &collation);
    Type wanted = LookupTypeName(nullptr, column->typeName, &wanted_modifier, true);
    if (wanted == nullptr) {
        return nullptr;
    }
    bool is_same = typeTypeId(wanted) == type && wanted_modifier == modifier;
    ReleaseSysCache(wanted);
    return is_same ? column : nullptr;
}

bool adds_column(const AlterTableStmt *statement) {
    ListCell *cell;
    foreach (cell, statement->cmds) {
        if (lfirst_node(AlterTableCmd, cell)->subtype == AT_AddColumn) {
            return true;
        }
    }
    return false;
}

bool is_registered_column(Oid table, const char *name) {
    pg::Spi spi;
    std::optional<registry::Registration> registration = registry::find_registration(spi, table);
    return registration
           && (registration->settings.deleted_at == name || registration->settings.deleted_by == name);
}

} // namespace

bool is_existing_view(const PlannedStmt *plan, const char *query_string) {
    if (!IsA(plan->utilityStmt, ViewStmt) || session::find_extension_functions() == nullptr) {
        return false;
    }
    const ViewStmt *statement = castNode(ViewStmt, plan->utilityStmt);
    if (statement->replace || statement->aliases != NIL || statement->options != NIL
        || statement->withCheckOption != NO_CHECK_OPTION) {
        return false;
    }
    Oid view = find_own_view(statement);
    if (!OidIsValid(view)) {
        return false;
    }
    bool exists = pg::entry([&] {
        pg::SimpleView there = pg::read_view(view);
        return there.is_simple && is_registered_view(view, there.table)
               && mean_the_same(there, pg::read_view_query(pg::call([&] {
                                    return analyze_view_query(plan, statement, query_string);
                                })));
    });
    if (exists) {
        ereport(NOTICE, (errcode(ERRCODE_DUPLICATE_TABLE),
                         errmsg("relation \"%s\" already exists, skipping", statement->view->relname)));
    }
    return exists;
}

PlannedStmt *skip_existing_columns(PlannedStmt *plan, bool *read_only_tree) {
    if (!IsA(plan->utilityStmt, AlterTableStmt) || session::find_extension_functions() == nullptr) {
        return plan;
    }
    const AlterTableStmt *statement = castNode(AlterTableStmt, plan->utilityStmt);
    if (!adds_column(statement)) {
        return plan;
    }
    Oid relation = ddl::find_relation(statement->relation);
    if (!session::has_own_trigger(relation) || !session::is_registered_table(relation)) {
        return plan;
    }
    for (int i = 0; i < list_length(statement->cmds); i++) {
        const ColumnDef *column =
            find_existing_column(relation, list_nth_node(AlterTableCmd, statement->cmds, i));
        if (column != nullptr && pg::entry([&] { return is_registered_column(relation, column->colname); })) {
            plan = static_cast<PlannedStmt *>(copyObjectImpl(plan));
            *read_only_tree = false;
            statement = castNode(AlterTableStmt, plan->utilityStmt);
            list_nth_node(AlterTableCmd, statement->cmds, i)->missing_ok = true;
        }
    }
    return plan;
}

} // namespace softdelete::utility
