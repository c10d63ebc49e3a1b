// The part of registration that makes or adopts the views of live, deleted and all rows.
#include "catalog/quoting.hpp"
#include "catalog/table_info.hpp"
#include "catalog/view_catalog.hpp"
#include "catalog/view_properties.hpp"
#include "pg/relations.hpp"
#include "registration/plan_parts.hpp"
#include "sqltext/table_statements.hpp"

#include <algorithm>
#include <set>

namespace softdelete::registration {

namespace {

using model::Action;
using pg::ViewCondition;

struct WantedView {
    std::string name;
    const char *argument;     // of register()
    sqltext::Pattern pattern; // of the condition
    ViewCondition condition;
};

std::vector<WantedView> get_wanted_views(const model::TableSettings &settings) {
    return {
        {settings.active_view, "active_view", sqltext::Pattern("%1% IS NULL"), ViewCondition::column_is_null},
        {settings.deleted_view, "deleted_view", sqltext::Pattern("%1% IS NOT NULL"),
         ViewCondition::column_is_not_null},
        {settings.all_view, "all_view", sqltext::Pattern("softdelete.include_deleted(%1%)"),
         ViewCondition::function_of_column}};
}

bool is_softdelete_column(const TableWork &work, const std::string &name) {
    const model::TableSettings &settings = work.settings();
    return name == settings.deleted_at || name == settings.deleted_by || name == deletion_id_column;
}

// The table's columns once register() is done.
std::vector<std::string> get_columns(const TableWork &work) {
    std::vector<std::string> columns;
    for (const catalog::Column &column : work.table.columns) {
        columns.push_back(column.name);
    }
    for (const std::string &added : work.registration.added_columns) {
        if (work.table.find_column(added) == nullptr) {
            columns.push_back(added);
        }
    }
    return columns;
}

// True where the view shows all columns, but for those that were added after it was made and softdelete's own.
bool shows_table(const TableWork &work, const pg::SimpleView &view) {
    std::set<std::string> shown;
    for (const auto &[name, column] : view.columns) {
        if (name != column) {
            return false;
        }
        shown.insert(column);
    }
    bool is_after_view = false;
    for (const catalog::Column &column : work.table.columns) {
        if (is_softdelete_column(work, column.name)) {
            continue;
        }
        bool is_shown = shown.contains(column.name);
        if (is_shown && is_after_view) {
            return false;
        }
        is_after_view = is_after_view || !is_shown;
    }
    return !shown.empty();
}

// True where the view reads the table under the wanted condition.
bool means_condition(const TableWork &work, const pg::SimpleView &view, const WantedView &wanted) {
    return view.is_simple && view.table == work.table.oid && view.condition == wanted.condition
           && view.condition_column == work.settings().deleted_at
           && (wanted.condition != ViewCondition::function_of_column
               || catalog::is_include_deleted(view.function));
}

bool is_made_by_us(const TableWork &work, const WantedView &wanted) {
    const std::vector<std::string> &added = work.registration.added_views;
    return std::find(added.begin(), added.end(), wanted.name) != added.end();
}

// A view that register() has adopted stays the user's: it goes on showing a renamed column under the former name, as any
// view of his does.
bool means_the_same(const TableWork &work, const pg::SimpleView &view, const WantedView &wanted) {
    bool is_adopted =
        !is_made_by_us(work, wanted) && registry::find_registration(work.spi, work.table.oid).has_value();
    return means_condition(work, view, wanted) && (is_adopted || shows_table(work, view));
}

[[noreturn]] void refuse(const TableWork &work, const WantedView &wanted, const std::string &detail) {
    pg::raise(
        {ERRCODE_DUPLICATE_TABLE,
         "relation \"" + wanted.name + "\" already exists in schema \"" + work.table.schema + "\"", detail,
         (work.is_named
              ? std::string("Choose another name")
              : "Register table " + work.table.qualified.text() + " first, by itself and with another name")
             + " with " + wanted.argument + " => '...', or drop the relation."});
}

void note_added(TableWork &work, const WantedView &wanted) {
    if (!is_made_by_us(work, wanted)) {
        work.registration.added_views.push_back(wanted.name);
    }
}

// A view that shows a column of ours was made by an earlier registration, which DROP EXTENSION ended.
void note_former(TableWork &work, const pg::SimpleView &view, const WantedView &wanted) {
    const std::vector<std::string> &columns = work.registration.added_columns;
    bool is_added = std::find(columns.begin(), columns.end(), deletion_id_column) != columns.end();
    for (const auto &[name, column] : view.columns) {
        if (is_added && column == deletion_id_column) {
            note_added(work, wanted);
        }
    }
}

void warn_of_row_security(TableWork &work, const catalog::ExistingRelation &view, const WantedView &wanted,
                          const std::string &object) {
    bool has_row_security =
        work.table.has_row_security || work.settings().visibility == model::Visibility::rls;
    if (has_row_security && !view.is_security_invoker) {
        work.warn(model::warning::view_past_row_security, work.table.oid, object,
                  "the view reads the table with its owner's rights, past row security",
                  "To let it read with the reader's",
                  sqltext::statement("ALTER VIEW %1% SET (security_invoker = true)",
                                     catalog::qualified_name(work.table.schema, wanted.name)));
    }
}

void adopt_view(TableWork &work, const catalog::ExistingRelation &existing, const WantedView &wanted,
                const std::string &object) {
    if (existing.kind != 'v') {
        refuse(work, wanted, "It is not a view.");
    }
    pg::SimpleView view = pg::read_view(existing.oid);
    if (!means_the_same(work, view, wanted)) {
        std::string condition =
            sqltext::expression(wanted.pattern, catalog::identifier(work.settings().deleted_at)).text();
        refuse(work, wanted,
               "It is a view that means something else than the rows of \"" + work.table.name + "\" where "
                   + condition + ".");
    }
    work.adopt(work.table.oid, object);
    note_former(work, view, wanted);
    warn_of_row_security(work, existing, wanted, object);
}

sqltext::Statement make_view(const TableWork &work, const WantedView &wanted,
                             const catalog::ExistingRelation *replaced = nullptr) {
    std::vector<sqltext::Identifier> columns;
    for (const std::string &column : get_columns(work)) {
        columns.push_back(catalog::identifier(column));
    }
    return sqltext::create_view(
        catalog::qualified_name(work.table.schema, wanted.name), work.table.qualified, columns,
        sqltext::expression(wanted.pattern, catalog::identifier(work.settings().deleted_at)),
        sqltext::Expression(replaced == nullptr ? "security_invoker = true" : replaced->options));
}

// It comes back with what it had, but for what others than the owner have granted.
void make_anew(TableWork &work, const catalog::ExistingRelation &existing, const WantedView &wanted,
               const std::string &object, const std::vector<std::string> &dropped_columns) {
    sqltext::QualifiedName name = catalog::qualified_name(work.table.schema, wanted.name);
    work.add(Action::replace, work.table.oid, object, sqltext::drop_view(name));
    work.add(Action::replace, work.table.oid, object, make_view(work, wanted));
    for (const catalog::ViewProperty &property :
         catalog::get_view_properties(work.spi, existing.oid, work.table.oid, dropped_columns)) {
        if (!OidIsValid(property.role)) {
            work.add(Action::alter, work.table.oid, object, sqltext::Statement(property.command));
        }
    }
}

// A view of ours that DDL left behind. Columns are renamed and appended in place, which keeps what depends on the view;
// anything else takes a new view.
void mend_view(TableWork &work, const catalog::ExistingRelation &existing, const WantedView &wanted,
               const std::string &object) {
    sqltext::QualifiedName name = catalog::qualified_name(work.table.schema, wanted.name);
    pg::SimpleView view = pg::read_view(existing.oid);
    std::vector<std::string> columns = get_columns(work);
    std::vector<std::string> shown;
    for (const auto &[view_column, column] : view.columns) {
        shown.push_back(column);
    }
    bool is_prefix = view.is_simple && shown.size() <= columns.size()
                     && std::equal(shown.begin(), shown.end(), columns.begin());
    if (!is_prefix) {
        std::erase_if(shown, [&](const std::string &column) {
            return std::find(columns.begin(), columns.end(), column) != columns.end();
        });
        make_anew(work, existing, wanted, object, shown);
        return;
    }
    for (const auto &[view_column, column] : view.columns) {
        if (view_column != column) {
            work.add(Action::alter, work.table.oid, object,
                     sqltext::statement("ALTER VIEW %1% RENAME COLUMN %2% TO %3%", name,
                                        catalog::identifier(view_column), catalog::identifier(column)));
        }
    }
    if (shown.size() < columns.size() || !means_condition(work, view, wanted)) {
        work.add(Action::replace, work.table.oid, object,
                 sqltext::or_replace(make_view(work, wanted, &existing)));
    }
}

// A plain view of the whole table, as DROP EXTENSION leaves it: it goes on showing all rows.
bool shows_all_rows(const TableWork &work, const catalog::ExistingRelation &existing,
                    const WantedView &wanted) {
    if (existing.kind != 'v' || wanted.condition != ViewCondition::function_of_column) {
        return false;
    }
    pg::SimpleView view = pg::read_view(existing.oid);
    return view.is_simple && view.table == work.table.oid && view.condition == ViewCondition::none
           && shows_table(work, view);
}

// A view of ours that its table left behind in another schema.
void follow_table(TableWork &work, const catalog::StrayView &stray, const WantedView &wanted,
                  const std::string &object) {
    work.add(Action::alter, work.table.oid, object,
             sqltext::statement("ALTER VIEW %1% SET SCHEMA %2%",
                                catalog::qualified_name(stray.schema, wanted.name),
                                catalog::identifier(work.table.schema)));
    mend_view(work, stray.view, wanted, object);
}

void plan_view(TableWork &work, const WantedView &wanted) {
    std::string object = "view " + catalog::identifier(wanted.name).text();
    if (work.makes_all_views) {
        work.add(Action::create, work.table.oid, object, make_view(work, wanted));
        return;
    }
    // archive/between has made those that show deleted rows.
    if (wanted.condition != ViewCondition::column_is_null
        && catalog::get_table(work.spi, work.table.oid).is_between()) {
        return;
    }
    bool is_ours = is_made_by_us(work, wanted);
    if (!is_ours && work.leaves_users_views) {
        return;
    }
    auto existing = catalog::find_relation(work.table.schema_oid, wanted.name);
    if (existing && is_ours && existing->kind == 'v') {
        mend_view(work, *existing, wanted, object);
        return;
    }
    if (existing && shows_all_rows(work, *existing, wanted)) {
        note_former(work, pg::read_view(existing->oid), wanted);
        mend_view(work, *existing, wanted, object);
        return;
    }
    if (existing) {
        adopt_view(work, *existing, wanted, object);
        return;
    }
    auto elsewhere =
        is_ours ? catalog::find_view_elsewhere(work.spi, work.table.oid, wanted.name) : std::nullopt;
    if (elsewhere) {
        follow_table(work, *elsewhere, wanted, object);
        return;
    }
    work.add(Action::create, work.table.oid, object, make_view(work, wanted));
    note_added(work, wanted);
}

} // namespace

void warn_of_views(TableWork &work) {
    for (const WantedView &wanted : get_wanted_views(work.settings())) {
        auto existing = catalog::find_relation(work.table.schema_oid, wanted.name);
        if (existing && existing->kind == 'v') {
            warn_of_row_security(work, *existing, wanted, "view " + catalog::identifier(wanted.name).text());
        }
    }
}

void plan_views(TableWork &work) {
    const model::TableSettings &settings = work.settings();
    if (settings.active_view == settings.deleted_view || settings.active_view == settings.all_view
        || settings.deleted_view == settings.all_view) {
        pg::raise({ERRCODE_INVALID_PARAMETER_VALUE,
                   "the names of the three views must be different",
                   {},
                   "Give active_view, deleted_view and all_view different names."});
    }
    for (const WantedView &wanted : get_wanted_views(settings)) {
        if (wanted.name.empty()) {
            pg::raise({ERRCODE_INVALID_PARAMETER_VALUE,
                       "name of a view must not be empty",
                       {},
                       std::string("Leave ") + wanted.argument + " out, or give a name."});
        }
        plan_view(work, wanted);
    }
}

bool is_view_in_step(const TableWork &work, Oid view, const std::string &name) {
    for (const WantedView &wanted : get_wanted_views(work.settings())) {
        if (wanted.name == name && !means_the_same(work, pg::read_view(view), wanted)) {
            return false;
        }
    }
    return true;
}

} // namespace softdelete::registration
