// Steps are run by registration/run_steps as the owner of the table, who owns the archive as well.
#include "archive/archive_work.hpp"

#include "archive/adopt_archive.hpp"
#include "catalog/quoting.hpp"
#include "catalog/table_info.hpp"
#include "catalog/trigger_catalog.hpp"
#include "catalog/view_catalog.hpp"
#include "model/trigger_names.hpp"
#include "pg/scopes.hpp"
#include "registration/table_work.hpp"
#include "registry/history_scan.hpp"
#include "rows/kept_guards.hpp"
#include "rows/time_partitions.hpp"
#include "session/utility_commands.hpp"
#include "sqltext/table_statements.hpp"

extern "C" {
#include "utils/timestamp.h"
}

namespace softdelete::archive {

namespace {

using model::Action;

// Partitions ahead of time, the present one included.
constexpr int partitions_ahead = 2;

// In the words of pg_get_triggerdef().
std::string create_archive_trigger(const sqltext::QualifiedName &table) {
    return sqltext::format(
        "CREATE TRIGGER softdelete_archive AFTER DELETE ON %1% FOR EACH ROW EXECUTE FUNCTION "
        "softdelete_internal.on_archived_delete()",
        table);
}

void plan_trigger(ArchiveWork &work, const catalog::Member &member, const char *trigger,
                  const std::string &create) {
    sqltext::Identifier name(trigger);
    auto existing = catalog::find_own_trigger(work.spi, member.oid, name.text());
    if (existing && existing->definition == create && existing->is_enabled_always
        && existing->is_tied_to_extension) {
        return;
    }
    std::vector<std::string> commands;
    if (existing || catalog::has_foreign_trigger(work.spi, member.oid, name.text())) {
        commands.push_back(sqltext::drop_trigger(member.qualified, name).text());
    }
    commands.push_back(create);
    commands.push_back(sqltext::enable_always(member.qualified, name).text());
    commands.push_back(sqltext::tie_to_extension(member.qualified, name).text());
    work.add(commands.size() > 3 ? Action::replace : Action::create, member.oid, "trigger " + name.text(),
             commands);
}

// Clones on partitions, which come with the table's trigger.
constexpr const char *disabled_query = R"(
    SELECT c.oid, pg_catalog.format('ALTER TABLE ONLY %I.%I ENABLE ALWAYS TRIGGER %I', n.nspname, c.relname, t.tgname)
    FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid) p
    JOIN pg_catalog.pg_trigger t ON t.tgrelid = p.relid::pg_catalog.oid AND t.tgenabled <> 'A'
    JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE t.tgname = $2::pg_catalog.name AND t.tgparentid <> 0
    ORDER BY 2)";

constexpr const char *grantees_query = R"(
    SELECT DISTINCT CASE x.grantee WHEN 0 THEN 'PUBLIC'
                    ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END
    FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) x
    WHERE c.oid = $1::pg_catalog.oid AND x.grantee <> c.relowner)";

// The guard of an archive that stays as a plain table, with those of its partitions.
constexpr const char *guards_query = R"(
    SELECT pg_catalog.format('DROP TRIGGER %I ON %I.%I', t.tgname, n.nspname, c.relname)
    FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid) p
    JOIN pg_catalog.pg_trigger t ON t.tgrelid = p.relid::pg_catalog.oid AND t.tgparentid = 0
        AND t.tgname IN ($2::pg_catalog.name, $3::pg_catalog.name)
    JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    ORDER BY p.level, 1)";

void refuse_view(const ArchiveWork &work, const ViewDefinition &view) {
    pg::raise({.sqlstate = ERRCODE_DUPLICATE_TABLE,
               .message = sqltext::format("relation \"%1%\" already exists in schema \"%2%\"", view.name,
                                          work.table.schema),
               .hint = sqltext::format("Choose another name with %1% => '...', or drop the relation.",
                                       view.argument),
               .relation = work.table.oid});
}

} // namespace

void ArchiveWork::add(Action action, Oid relation, const std::string &object,
                      std::vector<std::string> commands, const std::string &remark) {
    steps.push_back({relation, object, action, false, std::move(commands), remark});
}

std::string choose_archive_name(const catalog::Table &table, const GivenNames &given) {
    for (int number = 0;; number++) {
        std::string name = pg::make_object_name(table.name, "", registration::numbered("archive", number));
        auto existing = catalog::find_relation(table.schema_oid, name);
        bool is_anothers = existing && pg::call([&] { return registry::is_kept_table(existing->oid); });
        if (!is_anothers && !given.contains({table.schema_oid, name})) {
            return name;
        }
    }
}

void check_archive_name(const catalog::Table &table, const std::string &name) {
    if (catalog::has_relation(table.schema_oid, name)) {
        pg::raise({.sqlstate = ERRCODE_DUPLICATE_TABLE,
                   .message = sqltext::format("relation \"%1%\" already exists in schema \"%2%\"", name,
                                              table.schema),
                   .detail = "The archive of the table would have this name.",
                   .hint = "Rename the relation; an archive of before can be read beside the new one.",
                   .relation = table.oid});
    }
}

model::PeriodWidth choose_width(pg::Spi &spi, const std::optional<std::string> &retention) {
    if (!retention) {
        return model::PeriodWidth::month;
    }
    return model::get_width_for(spi.query("SELECT pg_catalog.int8(pg_catalog.date_part('epoch', "
                                          "$1::pg_catalog.interval) * 1000000)",
                                          {*retention})
                                    .front()
                                    .number(0));
}

void plan_archive_table(ArchiveWork &work, const std::vector<ArchiveColumn> &columns) {
    std::string object = "table " + catalog::identifier(work.settings.archive_name).text();
    work.add(Action::create, work.table.oid, object,
             make_archive(work.table, work.settings, columns, make_key(work.spi, work.table.oid)));
    work.add(Action::create, work.table.oid, "partitions of " + object, {},
             "one for this time and one for the next; further ones are made in time");
}

namespace {

// The trigger for rows that an apply worker removes, with its clones on partitions.
void plan_applied_trigger(ArchiveWork &work) {
    const sqltext::QualifiedName name = name_beside(work.table, work.settings.archive_name);
    const std::string object = sqltext::format("trigger %1% of %2%", model::applied_trigger, name);
    const pg::Rows there =
        work.spi.query("SELECT tgenabled = 'A' FROM pg_catalog.pg_trigger WHERE tgrelid = $1::pg_catalog.oid "
                       "AND tgname = $2::pg_catalog.name",
                       {work.settings.archive, model::applied_trigger});
    if (there.empty()) {
        work.add(Action::create, work.settings.archive, object, make_applied_trigger(name));
    } else if (!there.front().boolean(0)) {
        work.add(Action::alter, work.settings.archive, object,
                 {sqltext::enable_always(name, sqltext::Identifier(model::applied_trigger)).text()});
    }
    for (const pg::Row &row :
         work.spi.query(disabled_query, {work.settings.archive, model::applied_trigger})) {
        work.add(Action::alter, row.oid(0), object, {row.text(1)});
    }
}

} // namespace

void plan_guards(ArchiveWork &work) {
    for (const rows::GuardGap &gap : rows::find_guard_gaps(work.spi, work.settings.archive)) {
        work.add(gap.is_missing ? Action::create : Action::alter, gap.relation,
                 std::string("trigger ") + model::kept_trigger + " of " + gap.name, gap.commands);
    }
    plan_applied_trigger(work);
}

void plan_triggers(ArchiveWork &work) {
    for (const catalog::Member &member : work.table.members) {
        if (!member.is_partition) {
            plan_trigger(work, member, model::archive_trigger, create_archive_trigger(member.qualified));
        }
        plan_trigger(work, member, model::truncate_trigger,
                     sqltext::create_truncate_guard(member.qualified).text());
    }
    for (const pg::Row &row : work.spi.query(disabled_query, {work.table.oid, model::archive_trigger})) {
        work.add(Action::alter, row.oid(0), std::string("trigger ") + model::archive_trigger, {row.text(1)});
    }
}

// One that the former archive has left behind shows what it showed.
bool is_former_view(ArchiveWork &work, const catalog::ExistingRelation &existing, ViewDefinition view) {
    if (!work.former || !work.former->is_partitioned || existing.kind != 'v'
        || !existing.is_security_invoker) {
        return false;
    }
    view.keep_order(read_view_columns(work.spi, existing.oid));
    return is_same_view(work.spi, existing.oid, make_view_query(view));
}

void plan_views(ArchiveWork &work, const std::vector<ArchiveColumn> &columns) {
    for (const ViewDefinition &view : make_views(work.table, work.settings, columns)) {
        auto existing = catalog::find_relation(work.table.schema_oid, view.name);
        if (!existing) {
            work.add(Action::create, work.table.oid, "view " + catalog::identifier(view.name).text(),
                     {make_view(work.table, view)});
        } else if (is_former_view(work, *existing, view)) {
            work.add(Action::adopt, work.table.oid, "view " + catalog::identifier(view.name).text(), {});
        } else if (!OidIsValid(work.settings.archive) || existing->kind != 'v') {
            refuse_view(work, view);
        }
    }
}

void keep_to_owner(pg::Spi &spi, const ArchiveSettings &settings,
                   const std::optional<FormerArchive> &former) {
    catalog::TableInfo table = catalog::get_table(spi, settings.archive);
    pg::UserScope owner(table.owner);
    session::OwnDdlScope own_ddl;
    for (const pg::Row &grantee : spi.query(grantees_query, {settings.archive})) {
        spi.execute(sqltext::format("REVOKE ALL ON TABLE %1% FROM %2%", table.name, grantee.text(0)));
    }
    for (const std::string &grant : former ? make_reader_grants(spi, *former) : std::vector<std::string>()) {
        spi.execute(grant);
    }
    for (const std::string &role : settings.admin_roles) {
        spi.execute(
            sqltext::format("GRANT SELECT ON TABLE %1% TO %2%", table.name, catalog::identifier(role)));
    }
}

void make_first_partitions(pg::Spi &spi, Oid archive, model::PeriodWidth width) {
    rows::make_time_partitions(spi, archive, GetCurrentTransactionStartTimestamp(), width, partitions_ahead);
}

std::vector<std::string> make_guard_drops(pg::Spi &spi, Oid archive) {
    std::vector<std::string> commands;
    for (const pg::Row &row :
         spi.query(guards_query, {archive, model::kept_trigger, model::applied_trigger})) {
        commands.push_back(row.text(0));
    }
    return commands;
}

} // namespace softdelete::archive
