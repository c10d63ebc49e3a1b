// Registers a table as a member of a registered one, or alone when it leaves, with the parts of registration/. Called
// by ddl/follow_inheritance.
#include "ddl/take_on_member.hpp"
#include "model/trigger_names.hpp"

#include "catalog/quoting.hpp"
#include "catalog/trigger_catalog.hpp"
#include "catalog/view_catalog.hpp"
#include "ddl/check_new_links.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "registration/bring_in_step.hpp"
#include "registration/check_rules.hpp"
#include "registration/plan_foreign_key_triggers.hpp"
#include "registration/plan_parts.hpp"
#include "registration/renumber_deletions.hpp"
#include "registration/run_steps.hpp"
#include "registry/registered_names.hpp"
#include "session/utility_commands.hpp"
#include "sqltext/table_statements.hpp"

#include <algorithm>

namespace softdelete::ddl {

namespace {

using model::Action;

[[noreturn]] void refuse(const catalog::Table &member, int sqlstate, const std::string &message,
                         const std::string &detail, const std::string &hint) {
    pg::raise({sqlstate, message, detail, hint, member.oid});
}

// What register() refuses as well (registration/lock_table).
void check_kind(const catalog::Table &member) {
    for (const catalog::Member &part : member.members) {
        if (part.kind == 'f') {
            refuse(member, ERRCODE_WRONG_OBJECT_TYPE,
                   "cannot attach foreign table \"" + part.name + "\" to a registered table",
                   "Its rows are kept by another server.", {});
        }
        if (part.persistence == 't') {
            refuse(member, ERRCODE_WRONG_OBJECT_TYPE,
                   "cannot attach temporary table \"" + part.name + "\" to a registered table",
                   "Other sessions, which delete, restore and purge rows of the whole table, cannot reach "
                   "its rows.",
                   "Create a permanent table, or a temporary one of its own with LIKE.");
        }
    }
}

void check_member(pg::Spi &spi, const catalog::Table &member) {
    if (!pg::owns_relation(member.oid)) {
        pg::raise({ERRCODE_INSUFFICIENT_PRIVILEGE, "must be owner of table " + member.name});
    }
    check_kind(member);
    registration::check_rules(spi, member, "attach");
}

std::vector<std::string> get_own_columns(const registry::Registration &registration) {
    std::vector<std::string> columns = {registration.settings.deleted_at};
    if (registration.settings.deleted_by) {
        columns.push_back(*registration.settings.deleted_by);
    }
    columns.emplace_back(registration::deletion_id_column);
    return columns;
}

// As the user would have added them.
void add_columns(pg::Spi &spi, const catalog::Table &member, const catalog::Table &table,
                 const registry::Registration &registration) {
    session::OwnDdlScope own_ddl;
    for (const std::string &name : get_own_columns(registration)) {
        const catalog::Column *column = table.find_column(name);
        if (column != nullptr && member.find_column(name) == nullptr) {
            spi.execute(sqltext::add_column(member.qualified, catalog::identifier(name),
                                            sqltext::Expression(column->type))
                            .text());
        }
    }
}

void drop_own_objects(pg::Spi &spi, const catalog::Table &member,
                      const registry::Registration &registration) {
    registration::TableWork work = registration::begin_work(spi, member, registration, false);
    for (const std::string &view : registration.added_views) {
        auto existing = catalog::find_relation(member.schema_oid, view);
        if (existing && existing->kind == 'v') {
            work.add(Action::alter, member.oid, "view",
                     sqltext::drop_view(catalog::qualified_name(member.schema, view)));
        }
    }
    work.add(Action::alter, member.oid, "trigger",
             sqltext::drop_trigger(member.qualified, sqltext::Identifier(model::marker_trigger)));
    registration::run_steps(spi, work.steps);
}

// The clones of the table's row triggers take the places of the partition's own. Those for keys that the partition alone
// has, or that reference it alone, the table gets when the partition is there.
void drop_row_triggers(pg::Spi &spi, const catalog::Table &member) {
    session::OwnDdlScope own_ddl;
    for (const pg::Row &row : spi.query_kept(
             "SELECT t.tgname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n"
             " ON n.oid = p.pronamespace AND n.nspname = 'softdelete_internal' WHERE t.tgrelid = $1::oid AND "
             "t.tgparentid = 0 AND t.tgname ~ '^softdelete_(lock$|written$|collect|children_|parent_)'",
             {member.oid})) {
        spi.execute(sqltext::drop_trigger(member.qualified, catalog::identifier(row.text(0))).text());
    }
}

void dissolve(pg::Spi &spi, const catalog::Table &member, const registry::Registration &own,
              const registry::Registration &registration) {
    if (own.settings.deleted_at != registration.settings.deleted_at
        || own.settings.deleted_by != registration.settings.deleted_by) {
        refuse(member, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
               "cannot attach registered table \"" + member.name
                   + "\" to a registered table with other column names",
               "Its columns are " + own.settings.deleted_at + " and "
                   + own.settings.deleted_by.value_or("none") + ".",
               "Unregister it with deleted_rows => 'keep' and rename them.");
    }
    drop_own_objects(spi, member, own);
    registry::forget_registration(spi, member.oid);
}

std::string choose_view_name(registration::TableWork &work, const char *prefix) {
    return work.names.choose(work.table.schema_oid, [&](int number) {
        return registration::make_numbered_name(prefix + work.table.name, number);
    });
}

registry::Registration make_registration(Oid member, const registry::Registration &of_table) {
    registry::Registration registration = of_table;
    registration.relation = member;
    registration.added_indexes.clear();
    registration.added_views.clear();
    registration.comment_before.reset();
    return registration;
}

void add_own_index_names(registration::TableWork &work) {
    std::vector<std::string> &added = work.registration.added_indexes;
    for (const model::IndexFacts &index : work.indexes) {
        bool is_own =
            std::find(work.own_indexes.begin(), work.own_indexes.end(), index.oid) != work.own_indexes.end();
        if (is_own && std::find(added.begin(), added.end(), index.name) == added.end()) {
            added.push_back(index.name);
        }
    }
}

void adopt_deletions(pg::Spi &spi, Oid relation, const catalog::Table &member,
                     const model::TableSettings &settings) {
    registry::adopt_deletions(
        spi, {relation, member.owner, member.qualified, catalog::identifier(settings.deleted_at)},
        settings.deleted_by ? std::optional(pg::quote_identifier(*settings.deleted_by)) : std::nullopt);
}

} // namespace

void check_kind_of_member(pg::Spi &spi, Oid member) {
    check_kind(catalog::get_table_definition(spi, member));
}

void prepare_member(Oid member_oid, Oid table_oid, bool is_partition) {
    pg::Spi spi;
    catalog::Table member = catalog::get_table_definition(spi, member_oid);
    check_member(spi, member);
    Oid root = registry::find_registered_root(spi, table_oid).value_or(table_oid);
    std::optional<registry::Registration> registration = registry::find_registration(spi, root);
    if (!registration) {
        return;
    }
    if (std::optional<registry::Registration> own = registry::find_registration(spi, member_oid)) {
        dissolve(spi, member, *own, *registration);
    } else {
        add_columns(spi, member, catalog::get_table_definition(spi, root), *registration);
    }
    if (is_partition) {
        drop_row_triggers(spi, member);
    }
    if (member.find_column(registration::deletion_id_column) != nullptr
        && member.find_column(registration->settings.deleted_at) != nullptr) {
        registration::renumber_deletions(spi, {member.oid, member.owner, member.qualified,
                                               catalog::identifier(registration->settings.deleted_at)});
    }
}

void drop_parent_checks(Oid member_oid) {
    pg::Spi spi;
    session::OwnDdlScope own_ddl;
    for (const pg::Row &row :
         spi.query("SELECT format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass) FROM pg_trigger t"
                   " WHERE t.tgrelid = $1::oid AND t.tgparentid = 0"
                   " AND t.tgfoid = 'softdelete_internal.check_parent'::regproc",
                   {member_oid})) {
        spi.execute(row.text(0));
    }
}

void take_on_member(Oid member_oid, bool has_rows) {
    pg::Spi spi;
    std::optional<Oid> root = registry::find_registered_root(spi, member_oid);
    if (!root) {
        return;
    }
    registry::Registration registration = *registry::find_registration(spi, *root);
    catalog::Table table = catalog::get_table_definition(spi, *root);
    catalog::Table member = catalog::get_table_definition(spi, member_oid);
    std::vector<catalog::Member> others = table.members;
    std::erase_if(others, [&](const catalog::Member &other) {
        return std::any_of(member.members.begin(), member.members.end(),
                           [&](const catalog::Member &own) { return own.oid == other.oid; });
    });
    table.members = member.members;
    registration::TableWork work = registration::begin_work(spi, table, registration, false);
    {
        pg::UserScope owner(table.owner);
        registration::plan_conversions(work);
        registration::plan_triggers(work);
        registration::plan_written_checks(work, others);
        registration::plan_policies(work);
    }
    registration::run_and_record(work);
    registry::record_partition_indexes(spi, *root);
    if (!has_rows) {
        return;
    }
    registry::hand_deletions_over(spi, member_oid, *root);
    adopt_deletions(spi, *root, member, registration.settings);
    for (const catalog::ForeignKey &key : catalog::find_own_keys(spi, *root)) {
        check_links(spi, key, member_oid);
    }
}

void register_alone(Oid member_oid, Oid table_oid) {
    pg::Spi spi;
    Oid root = registry::find_registered_root(spi, table_oid).value_or(table_oid);
    std::optional<registry::Registration> of_table = registry::find_registration(spi, root);
    if (!of_table) {
        return;
    }
    catalog::Table table = catalog::get_table_definition(spi, member_oid);
    registration::TableWork work =
        registration::begin_work(spi, table, make_registration(member_oid, *of_table), false);
    work.registration.settings.active_view = choose_view_name(work, "active_");
    work.registration.settings.deleted_view = choose_view_name(work, "deleted_");
    work.registration.settings.all_view = choose_view_name(work, "all_");
    {
        pg::UserScope owner(table.owner);
        registration::plan_own_indexes(work);
        registration::plan_conversions(work);
        registration::plan_triggers(work);
        std::vector<model::Step> links =
            registration::plan_links(spi, {{table.oid, pg::quote_identifier(work.settings().deleted_at)}});
        work.steps.insert(work.steps.end(), links.begin(), links.end());
        registration::plan_policies(work);
        registration::plan_views(work);
        registration::plan_comments(work);
    }
    add_own_index_names(work);
    registration::run_and_record(work);
    registry::insert_registration(spi, work.registration);
    adopt_deletions(spi, member_oid, table, work.settings());
}

} // namespace softdelete::ddl
