// unregister(): takes registration back in the reverse order of register(). Called by api/registration.
#include "registration/unregister_table.hpp"
#include "model/trigger_names.hpp"

#include "catalog/quoting.hpp"
#include "catalog/table_info.hpp"
#include "catalog/trigger_catalog.hpp"
#include "catalog/view_catalog.hpp"
#include "holds/held_rows.hpp"
#include "holds/hold_tables.hpp"
#include "pg/called_settings.hpp"
#include "pg/scopes.hpp"
#include "registration/build_index.hpp"
#include "registration/lock_table.hpp"
#include "registration/plan_foreign_key_triggers.hpp"
#include "registration/plan_parts.hpp"
#include "registration/run_steps.hpp"
#include "registry/ended_registrations.hpp"
#include "registry/hold_log.hpp"
#include "session/distributed_scope.hpp"
#include "session/distributed_tables.hpp"
#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"
#include "sqltext/table_statements.hpp"

#include <algorithm>
#include <optional>

namespace softdelete::registration {

namespace {

using model::Action;

enum class DeletedRows { refuse, keep, purge };

DeletedRows parse_deleted_rows(const std::string &text) {
    if (text == "refuse") {
        return DeletedRows::refuse;
    }
    if (text == "keep") {
        return DeletedRows::keep;
    }
    if (text != "purge") {
        pg::raise({ERRCODE_INVALID_PARAMETER_VALUE,
                   "unrecognized value for deleted_rows: \"" + text + "\"",
                   {},
                   "Use 'refuse', 'keep' or 'purge'."});
    }
    return DeletedRows::purge;
}

bool contains(const std::vector<std::string> &names, const std::string &name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::string count_rows(std::int64_t rows) {
    return std::to_string(rows) + (rows == 1 ? " deleted row" : " deleted rows");
}

void check_deleted_rows(const catalog::Table &table, std::int64_t rows, DeletedRows deleted_rows) {
    if (rows > 0 && deleted_rows == DeletedRows::refuse) {
        pg::raise({ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   "table \"" + table.name + "\" has " + count_rows(rows),
                   "Unregistered, they would be live again.",
                   "Restore them, or pass deleted_rows => 'purge' to remove them, or 'keep' to keep them as "
                   "plain rows.",
                   table.oid});
    }
}

// The views over another strategy have the same names.
void plan_view_drops(TableWork &work, EndingColumns ending) {
    const model::TableSettings &settings = work.settings();
    std::vector<std::string> views = work.registration.added_views;
    if (ending == EndingColumns::all) {
        views = {settings.active_view, settings.deleted_view, settings.all_view};
    }
    for (const std::string &view : views) {
        auto existing = catalog::find_relation(work.table.schema_oid, view);
        if (existing && existing->kind == 'v') {
            sqltext::QualifiedName name = catalog::qualified_name(work.table.schema, view);
            work.add(Action::drop, work.table.oid, "view " + catalog::identifier(view).text(),
                     sqltext::drop_view(name));
        }
    }
}

void plan_trigger_drops(TableWork &work) {
    for (const catalog::Member &member : work.table.members) {
        for (const std::string name :
             {model::marker_trigger, model::truncate_trigger, model::update_trigger, model::written_check}) {
            bool is_clone =
                member.is_partition && (name == model::marker_trigger || name == model::written_check);
            if (!is_clone && catalog::find_own_trigger(work.spi, member.oid, name)) {
                work.add(Action::drop, member.oid, "trigger " + name,
                         sqltext::drop_trigger(member.qualified, sqltext::Identifier(name)));
            }
        }
    }
}

void plan_index_drops(TableWork &work) {
    for (const model::IndexFacts &index : work.indexes) {
        if (index.parent == 0 && contains(work.registration.added_indexes, index.name)) {
            work.add(Action::drop, index.table, "index " + index.quoted_name,
                     sqltext::drop_index(get_index_name(work.member(index.table), index.name), false));
        }
    }
}

void plan_column_drops(TableWork &work, const std::vector<std::string> &columns) {
    for (const std::string &name : columns) {
        sqltext::Identifier column = catalog::identifier(name);
        work.add(Action::drop, work.table.oid, "column " + column.text(),
                 sqltext::drop_column(work.table.qualified, column));
    }
}

// A condition that its author wrote stays where its column does.
std::vector<registry::ConvertedIndex> find_reversible(const TableWork &work,
                                                      const std::vector<std::string> &columns) {
    std::vector<registry::ConvertedIndex> records =
        registry::find_converted_indexes(work.spi, work.table.member_oids());
    if (columns.empty()) {
        std::erase_if(records, [](const auto &record) { return record.is_authors(); });
    }
    std::erase_if(records, [&](const auto &record) { return is_going(work, record, columns); });
    for (registry::ConvertedIndex &index : find_live_indexes(work, columns)) {
        bool is_known = std::any_of(records.begin(), records.end(), [&](const auto &record) {
            return record.relation == index.relation && record.name == index.name;
        });
        if (!is_known) {
            records.push_back(std::move(index));
        }
    }
    return records;
}

TableWork plan_work(pg::Spi &spi, const catalog::Table &table, const registry::Registration &registration,
                    DeletedRows deleted_rows, EndingColumns ending) {
    pg::UserScope owner(table.owner);
    TableWork work = begin_work(spi, table, registration, false);
    std::vector<std::string> columns;
    if (deleted_rows != DeletedRows::keep) {
        columns = find_ending_columns(work, ending);
        check_dependents(work, columns);
    }
    plan_view_drops(work, ending);
    plan_policy_drops(work);
    plan_trigger_drops(work);
    std::vector<model::Step> unlinks = plan_unlinks(spi, table.oid);
    work.steps.insert(work.steps.end(), unlinks.begin(), unlinks.end());
    plan_reversals(work, find_reversible(work, columns));
    plan_index_drops(work);
    plan_dependent_drops(work, columns);
    plan_column_drops(work, columns);
    if (!contains(columns, registration.settings.deleted_at)) {
        plan_former_comment(work, deleted_rows == DeletedRows::keep);
    }
    return work;
}

std::int64_t count_deleted_rows(pg::Spi &spi, const catalog::Table &table,
                                const registry::Registration &registration) {
    return registry::count_deleted_rows(spi, {table.oid, table.owner, table.qualified,
                                              catalog::identifier(registration.settings.deleted_at)});
}

// Removes the deleted rows as their owner, while the table is still registered: foreign keys take along only what may
// go by itself, and no row that a hold protects goes.
model::Step purge(pg::Spi &spi, const catalog::Table &table, const registry::Registration &registration,
                  std::int64_t rows) {
    sqltext::Statement command = sqltext::statement("DELETE FROM %1% WHERE %2% IS NOT NULL", table.qualified,
                                                    catalog::identifier(registration.settings.deleted_at));
    std::string statement = std::string(session::removal_text) + " " + command.text();
    try {
        // What is left to the end of the transaction would keep the table from being altered.
        session::OwnStatement own(
            statement, {.notes = session::note_removal, .runs_as_called = true, .fires_at_once = true});
        pg::OwnerScope owner(table.owner);
        spi.execute(statement);
    } catch (pg::ServerError &error) {
        error.clear_context();
        throw;
    }
    std::int64_t left = count_deleted_rows(spi, table, registration);
    if (left > 0) {
        pg::raise({ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   count_rows(left) + " of table \"" + table.name + "\" could not be removed",
                   "A trigger or a row-security policy of the table keeps them.",
                   "Remove them first, or pass deleted_rows => 'keep'.", table.oid});
    }
    return {table.oid, count_rows(rows), Action::drop, false, {command.text()}};
}

constexpr const char *key_hint = "A deleted row that is kept has the same key as another row. Change one of "
                                 "them, or pass deleted_rows => 'purge'.";

} // namespace

// Unregistered, the table would let held rows go: those that are held themselves, those below held
// rows, and those whose removal takes the link of held rows away. A hold whose
// row has another key by now counts as well.
void check_holds(pg::Spi &spi, const catalog::Table &table) {
    std::optional<std::int64_t> found;
    for (Oid relation : registry::find_held_relations()) {
        if (!found && table.find_member(relation) != nullptr) {
            found = registry::find_active_holds(relation).front().id;
        }
    }
    found = found ? found : holds::find_hold_at_risk(spi, catalog::get_table(spi, table.oid), table.oid);
    if (found) {
        pg::raise({ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "table \"" + table.name + "\" has rows on hold",
                   "Hold " + std::to_string(*found) + " is in force.",
                   "SELECT * FROM softdelete.holds lists the holds; softdelete.release() ends one.",
                   table.oid});
    }
}

std::vector<model::Step> plan_unregistration(pg::Spi &spi, const catalog::Table &table,
                                             const registry::Registration &registration,
                                             EndingColumns ending) {
    TableWork work = plan_work(spi, table, registration, DeletedRows::refuse, ending);
    return model::arrange(std::move(work.steps));
}

std::vector<model::Step> unregister_table(Oid relation, const std::string &deleted_rows_option,
                                          EndingColumns ending) {
    pg::Spi spi;
    DeletedRows deleted_rows = parse_deleted_rows(deleted_rows_option);
    const auto [table, registration] =
        lock_registered_table(spi, relation, pg::Lock::access_exclusive, Distributed::taken);
    session::DistributedScope distributed(pg::call([=] { return session::is_distributed(relation); }));
    check_not_between(spi, relation);
    holds::lock_holds_below(spi, {relation}, registry::HoldAccess::remove);
    check_holds(spi, table);
    std::int64_t rows = count_deleted_rows(spi, table, registration);
    check_deleted_rows(table, rows, deleted_rows);
    if (rows > 0 && deleted_rows == DeletedRows::purge) {
        pg::call([&] { session::refuse_distributed(relation); });
    }
    std::vector<model::Step> steps;
    if (rows > 0 && deleted_rows == DeletedRows::purge) {
        steps.push_back(purge(spi, table, registration, rows));
    }
    TableWork work = plan_work(spi, table, registration, deleted_rows, ending);
    work.steps = model::arrange(std::move(work.steps));
    run_steps(spi, work.steps, key_hint);
    record_policies(work);
    registry::delete_registration(spi, relation, table.member_oids());
    registry::note_ended_registration(spi, table.member_oids());
    steps.insert(steps.end(), work.steps.begin(), work.steps.end());
    return steps;
}

} // namespace softdelete::registration
