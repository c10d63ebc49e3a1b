// register() and plan(): goes through the parts of registration/plan_parts, then runs the steps or returns them. Called
// by api/registration.
#include "registration/register_table.hpp"

#include "catalog/mixed_links.hpp"
#include "catalog/quoting.hpp"
#include "catalog/referencing_tables.hpp"
#include "catalog/table_info.hpp"
#include "catalog/view_catalog.hpp"
#include "pg/quote.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "registration/additions.hpp"
#include "registration/check_distributed.hpp"
#include "registration/lock_table.hpp"
#include "registration/parse_options.hpp"
#include "registration/plan_foreign_key_triggers.hpp"
#include "registration/plan_parts.hpp"
#include "registration/renumber_deletions.hpp"
#include "registration/run_steps.hpp"
#include "registry/deletion_ids.hpp"
#include "session/distributed_scope.hpp"
#include "session/distributed_tables.hpp"

#include <algorithm>

namespace softdelete::registration {

namespace {

// A view of that name which reads another table, or anything else of that name.
bool belongs_to_other(const catalog::Table &table, const std::string &name) {
    auto existing = catalog::find_relation(table.schema_oid, name);
    return existing && (existing->kind != 'v' || pg::read_view(existing->oid).table != table.oid);
}

// A long name is cut, so that the view of another table may have it already. A whole one that is taken is an error.
std::string get_view_name(const std::optional<std::string> &given, const char *prefix,
                          const catalog::Table &table, NameChooser &names) {
    std::string name = prefix + table.name;
    if (given || pg::truncate_name(name) == name) {
        return given.value_or(name);
    }
    for (int number = 0;; number++) {
        std::string candidate = make_numbered_name(name, number);
        if (!belongs_to_other(table, candidate) && names.take(table.schema_oid, candidate)) {
            return candidate;
        }
    }
}

registry::Registration make_registration(const RegisterRequest &request, const catalog::Table &table,
                                         NameChooser &names) {
    registry::Registration registration = {};
    registration.relation = table.oid;
    model::TableSettings &settings = registration.settings;
    settings.visibility = get_visibility(request.visibility);
    settings.indexes =
        request.indexes ? get_index_mode(*request.indexes) : model::default_index_mode(settings.visibility);
    settings.retention = request.retention;
    settings.deleted_at = request.deleted_at;
    settings.deleted_by = request.deleted_by;
    settings.admin_roles = request.admin_roles;
    bool is_named = table.oid == request.relation;
    settings.on_expiry = is_named ? get_on_expiry(request.on_expiry) : model::OnExpiry::purge;
    settings.active_view =
        get_view_name(is_named ? request.active_view : std::nullopt, "active_", table, names);
    settings.deleted_view =
        get_view_name(is_named ? request.deleted_view : std::nullopt, "deleted_", table, names);
    settings.all_view = get_view_name(is_named ? request.all_view : std::nullopt, "all_", table, names);
    return registration;
}

bool is_archived(pg::Spi &spi, const RegisterRequest &request, Oid relation) {
    return catalog::get_table(spi, relation).is_archived()
           || std::find(request.archived.begin(), request.archived.end(), relation) != request.archived.end();
}

// The named table, and as far as it was asked for those that reference it.
std::vector<catalog::Table> lock_tables(pg::Spi &spi, const RegisterRequest &request, bool is_plan) {
    pg::Lock lock = is_plan ? pg::Lock::access_share : pg::Lock::access_exclusive;
    std::vector<catalog::Table> tables = {lock_table(spi, request.relation, lock, Distributed::taken)};
    if (!request.follows_archive) {
        check_not_registered(spi, tables.front());
    }
    catalog::check_mixed_links(spi, request.relation, catalog::Strategy::flag);
    std::vector<Oid> seen = {request.relation};
    for (std::size_t i = 0; i < seen.size(); i++) {
        for (Oid child : find_tables_to_register(spi, request, seen[i])) {
            if (std::find(seen.begin(), seen.end(), child) != seen.end()) {
                continue;
            }
            seen.push_back(child);
            if (!registry::find_registration(spi, child) && !is_archived(spi, request, child)) {
                catalog::check_mixed_links(spi, child, catalog::Strategy::flag);
                tables.push_back(lock_table(spi, child, lock, Distributed::taken));
            }
        }
    }
    return tables;
}

TableWork plan_table(pg::Spi &spi, const RegisterRequest &request, const catalog::Table &table,
                     const std::vector<catalog::Table> &together, bool is_plan, NameChooser &names) {
    pg::UserScope owner(table.owner);
    TableWork work =
        begin_work(spi, table, make_registration(request, table, names), is_plan && !request.follows_archive);
    work.names.follow(names);
    work.is_named = table.oid == request.relation;
    work.archived = request.archived;
    work.makes_all_views = request.follows_archive;
    plan_columns(work);
    plan_statistics(work);
    plan_own_indexes(work);
    plan_additions(work);
    plan_conversions(work);
    plan_triggers(work);
    plan_policies(work);
    plan_views(work);
    plan_comments(work);
    plan_warnings(work, together);
    warn_of_flags(work);
    warn_of_endless_times(work);
    warn_of_other_columns(work);
    warn_of_other_actors(work);
    names.follow(work.names);
    return work;
}

// All steps, with the triggers by which foreign keys see soft deletes beside the other triggers of their tables. Those of
// tables that only reference the registered ones come last.
std::vector<model::Step> collect_steps(pg::Spi &spi, const std::vector<TableWork> &works) {
    RegisteredTables tables;
    for (const TableWork &work : works) {
        tables[work.table.oid] = pg::quote_identifier(work.settings().deleted_at);
    }
    std::vector<model::Step> links = plan_links(spi, tables);
    std::vector<model::Step> steps;
    for (const TableWork &work : works) {
        auto is_own = [&](const model::Step &step) {
            return work.table.find_member(step.relation) != nullptr;
        };
        auto is_trigger = [](const model::Step &step) {
            return step.action != model::Action::warning && step.object.starts_with("trigger ");
        };
        auto last = std::find_if(work.steps.rbegin(), work.steps.rend(), is_trigger).base();
        steps.insert(steps.end(), work.steps.begin(), last);
        std::copy_if(links.begin(), links.end(), std::back_inserter(steps), is_own);
        std::erase_if(links, is_own);
        steps.insert(steps.end(), last, work.steps.end());
    }
    steps.insert(steps.end(), links.begin(), links.end());
    return steps;
}

registry::TableRows get_rows(const TableWork &work) {
    return {work.table.oid, work.table.owner, work.table.qualified,
            catalog::identifier(work.settings().deleted_at)};
}

// A column deletion_id that means something else holds values in live rows.
void check_deletion_ids(pg::Spi &spi, const TableWork &work) {
    if (registry::has_live_deletion_ids(spi, get_rows(work))) {
        pg::raise({ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   "column \"deletion_id\" of table \"" + work.table.name + "\" has values in live rows",
                   "softdelete keeps the ids of deletions under this name.",
                   "Rename the column, or set it to null where the row is live.", work.table.oid});
    }
}

// The steps that this has taken stand at the beginning, and are not run again.
void renumber(pg::Spi &spi, const std::vector<TableWork> &works, std::vector<model::Step> &done) {
    for (const TableWork &work : works) {
        bool has_times = work.table.find_column(work.settings().deleted_at) != nullptr;
        if (has_times && work.table.find_column(deletion_id_column) != nullptr) {
            std::vector<model::Step> taken = renumber_deletions(spi, get_rows(work));
            done.insert(done.end(), taken.begin(), taken.end());
        }
    }
}

void record(pg::Spi &spi, const TableWork &work, std::vector<model::Step> &steps) {
    registry::insert_registration(spi, work.registration);
    for (const registry::ConvertedIndex &index : work.converted) {
        registry::insert_converted_index(spi, index);
    }
    record_policies(work);
    if (work.table.find_column(deletion_id_column) == nullptr) {
        return;
    }
    check_deletion_ids(spi, work);
    const model::TableSettings &settings = work.settings();
    std::optional<std::string> deleted_by =
        settings.deleted_by ? std::optional(pg::quote_identifier(*settings.deleted_by)) : std::nullopt;
    std::int64_t deletions = registry::adopt_deletions(spi, get_rows(work), deleted_by);
    if (deletions > 0) {
        steps.push_back(
            {work.table.oid, std::to_string(deletions) + " deletions", model::Action::adopt, false, {}});
    }
}

std::vector<model::Step> register_tables(const RegisterRequest &request, bool is_plan) {
    pg::Spi spi;
    check_flag_options(request);
    check_library_is_loaded(spi);
    std::vector<catalog::Table> tables = lock_tables(spi, request, is_plan);
    session::DistributedScope distributed(std::any_of(tables.begin(), tables.end(), [](const auto &table) {
        return pg::call([&] { return session::is_distributed(table.oid); });
    }));
    check_roles(spi, request.admin_roles);
    check_retention(spi, request.retention);
    check_distributed(spi, request, tables);
    std::vector<TableWork> works;
    NameChooser names;
    for (const catalog::Table &table : tables) {
        works.push_back(plan_table(spi, request, table, tables, is_plan, names));
    }
    std::vector<model::Step> steps = model::arrange(collect_steps(spi, works));
    if (is_plan) {
        return steps;
    }
    std::vector<model::Step> done;
    registry::separate_subscribers_ids(spi);
    renumber(spi, works, done);
    run_steps(spi, steps);
    done.insert(done.end(), std::make_move_iterator(steps.begin()), std::make_move_iterator(steps.end()));
    for (const TableWork &work : works) {
        record(spi, work, done);
    }
    return model::arrange(std::move(done));
}

} // namespace

void check_flag_options(const RegisterRequest &request) {
    check_strategy(request.strategy);
    (void)get_visibility(request.visibility);
    (void)get_on_expiry(request.on_expiry);
    if (request.indexes) {
        (void)get_index_mode(*request.indexes);
    }
}

std::vector<Oid> find_tables_to_register(pg::Spi &spi, const RegisterRequest &request, Oid parent) {
    std::vector<Oid> tables;
    if (request.all_referencing) {
        tables = catalog::find_referencing_tables(spi, parent);
    } else if (request.cascade) {
        tables = catalog::find_cascade_children(spi, parent);
    }
    std::erase_if(tables, [&](Oid table) { return catalog::shares_inheritance(spi, table); });
    return tables;
}

std::vector<model::Step> register_table(const RegisterRequest &request) {
    return register_tables(request, false);
}

std::vector<model::Step> plan_registration(const RegisterRequest &request) {
    return register_tables(request, true);
}

} // namespace softdelete::registration
