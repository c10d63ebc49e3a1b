// register() and plan(). Works out the steps for each table, and runs them or returns them. Called by api/registration.
#include "archive/register_archive.hpp"

#include "archive/adopt_archive.hpp"
#include "archive/archive_options.hpp"
#include "archive/archive_readers.hpp"
#include "archive/archive_work.hpp"
#include "archive/warn_of_links.hpp"
#include "catalog/mixed_links.hpp"
#include "catalog/quoting.hpp"
#include "catalog/table_info.hpp"
#include "catalog/view_catalog.hpp"
#include "model/trigger_names.hpp"
#include "pg/scopes.hpp"
#include "registration/check_rules.hpp"
#include "registration/lock_table.hpp"
#include "registration/parse_options.hpp"
#include "registration/renumber_deletions.hpp"
#include "registration/run_steps.hpp"
#include "registration/table_work.hpp"
#include "registry/anonymizers.hpp"
#include "registry/archive_scan.hpp"
#include "registry/deletion_ids.hpp"
#include "rows/time_partitions.hpp"
#include "session/extension_functions.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "utils/lsyscache.h"
}

#include <algorithm>
#include <set>

namespace softdelete::archive {

namespace {

using registration::RegisterRequest;

void check_options(const RegisterRequest &request) {
    (void)registration::get_visibility(request.visibility);
    (void)registration::get_on_expiry(request.on_expiry);
    const char *name = pg::call([&] { return get_rel_name(request.relation); });
    check_visibility(request.visibility,
                     request.deleted_view.value_or(std::string("deleted_") + (name == nullptr ? "" : name)),
                     request.relation);
    if (request.indexes) {
        (void)registration::get_index_mode(*request.indexes);
        check_indexes(*request.indexes, request.relation);
    }
    if (request.deleted_at.empty() || request.deleted_by == "") {
        pg::raise({.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
                   .message = "name of a column must not be empty",
                   .hint = "Leave deleted_at and deleted_by out, or give names.",
                   .relation = request.relation});
    }
}

void check_inheritance(const catalog::Table &table) {
    if (const catalog::Member *heir = table.find_heir()) {
        pg::raise({.sqlstate = ERRCODE_FEATURE_NOT_SUPPORTED,
                   .message = sqltext::format("cannot give table \"%1%\" an archive, because it has "
                                              "inheritance children",
                                              table.name),
                   .detail = sqltext::format("Table \"%1%\" inherits from it.", heir->name),
                   .hint = "Use strategy => 'flag'.",
                   .relation = table.oid});
    }
}

void check_columns(const catalog::Table &table, const ArchiveSettings &settings) {
    std::set<std::string> names;
    for (const std::string &name : get_own_columns(settings)) {
        if (table.find_column(name) != nullptr || !names.insert(name).second) {
            pg::raise({.sqlstate = ERRCODE_DUPLICATE_COLUMN,
                       .message = sqltext::format("column \"%1%\" of table \"%2%\" has the name of a column "
                                                  "that its archive has itself",
                                                  name, table.name),
                       .hint =
                           "Choose other names with deleted_at => '...' and deleted_by => '...'; a column "
                           "deletion_id has to be renamed.",
                       .relation = table.oid});
        }
    }
}

// A long name is cut, so that another table may have it already. A whole one that is taken is an error.
std::string choose_name(const catalog::Table &table, const std::string &name, GivenNames *given) {
    bool is_cut = pg::truncate_name(name) != name;
    for (int number = 0;; number++) {
        std::string candidate = registration::make_numbered_name(name, number);
        bool is_free = !given->contains({table.schema_oid, candidate})
                       && !catalog::has_relation(table.schema_oid, candidate);
        if (is_free || !is_cut) {
            given->insert({table.schema_oid, candidate});
            return candidate;
        }
    }
}

ArchiveSettings make_settings(const RegisterRequest &request, const catalog::Table &table,
                              GivenNames *given) {
    bool is_named = table.oid == request.relation;
    auto view = [&](const char *prefix, const std::optional<std::string> &wished) {
        return is_named && wished ? *wished : choose_name(table, prefix + table.name, given);
    };
    const std::string archive = choose_archive_name(table, *given);
    given->insert({table.schema_oid, archive});
    return {.relation = table.oid,
            .archive = InvalidOid,
            .archive_name = archive,
            .deleted_at = request.deleted_at,
            .deleted_by = request.deleted_by,
            .active_view = view("active_", request.active_view),
            .deleted_view = view("deleted_", request.deleted_view),
            .all_view = view("all_", request.all_view),
            .retention = request.retention,
            .on_expiry = is_named ? registration::get_on_expiry(request.on_expiry) : model::OnExpiry::purge,
            .admin_roles = request.admin_roles};
}

void check_names(const catalog::Table &table, const ArchiveSettings &settings) {
    const std::set<std::string> views = {settings.active_view, settings.deleted_view, settings.all_view};
    if (views.size() < 3 || views.contains("")) {
        pg::raise({.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
                   .message = "the three views must have different names, which are not empty",
                   .hint = "Leave active_view, deleted_view and all_view out, or give them different names.",
                   .relation = table.oid});
    }
    if (views.contains(settings.archive_name)) {
        pg::raise({.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
                   .message = sqltext::format("view \"%1%\" would have the name of the archive",
                                              settings.archive_name),
                   .hint = "Choose another name.",
                   .relation = table.oid});
    }
}

// The named table, and with cascade or all_referencing those that reference it, to any depth.
std::vector<catalog::Table> lock_tables(pg::Spi &spi, const RegisterRequest &request, bool is_plan) {
    pg::Lock lock = is_plan ? pg::Lock::access_share : pg::Lock::access_exclusive;
    std::vector<catalog::Table> tables = {registration::lock_table(spi, request.relation, lock)};
    registration::check_not_registered(spi, tables.front());
    std::vector<Oid> seen = {request.relation};
    for (std::size_t i = 0; i < seen.size(); i++) {
        for (Oid child : registration::find_tables_to_register(spi, request, seen[i])) {
            if (std::find(seen.begin(), seen.end(), child) != seen.end()) {
                continue;
            }
            seen.push_back(child);
            if (!catalog::get_table(spi, child).is_archived()) {
                tables.push_back(registration::lock_table(spi, child, lock));
            }
        }
    }
    return tables;
}

void warn_of_missing_rules(ArchiveWork &work) {
    if (work.settings.on_expiry == model::OnExpiry::anonymize
        && registry::find_anonymizers(work.spi, work.table.oid).empty()) {
        work.steps.push_back({work.table.oid,
                              "rules for anonymization",
                              model::Action::warning,
                              false,
                              {sqltext::statement("SELECT softdelete.set_anonymizer(%1%, 'email', 'NULL')",
                                                  catalog::literal(work.table.qualified.text()))
                                   .text()},
                              "rows cannot be anonymized when their retention ends before there is a rule "
                              "for each column with "
                              "personal data",
                              model::warning::missing_rules,
                              "Such as"});
    }
}

ArchiveWork plan_table(pg::Spi &spi, const RegisterRequest &request, const catalog::Table &table,
                       const std::vector<catalog::Table> &together, GivenNames *given) {
    check_inheritance(table);
    registration::check_insert_rules(spi, table);
    catalog::check_mixed_links(spi, table.oid, catalog::Strategy::archive);
    pg::UserScope owner(table.owner);
    ArchiveWork work = {spi, table, make_settings(request, table, given)};
    check_names(table, work.settings);
    std::vector<ArchiveColumn> columns = read_columns(spi, table.oid);
    work.former = find_former_archive(spi, table, &work.settings, columns);
    check_columns(table, work.settings);
    work.steps = warn_of_links(spi, table, together);
    warn_of_missing_rules(work);
    if (work.former) {
        plan_adoption(work, columns);
    } else {
        plan_archive_table(work, columns);
    }
    plan_triggers(work);
    plan_views(work, columns);
    work.settings.archive = work.former ? work.former->relation : InvalidOid;
    plan_readers(work);
    return work;
}

void record(pg::Spi &spi, ArchiveWork &work, std::vector<model::Step> &steps) {
    work.settings.archive = catalog::find_relation(work.table.schema_oid, work.settings.archive_name)->oid;
    insert_settings(spi, work.settings);
    bool keeps_width = work.former && work.former->is_partitioned;
    if (!keeps_width) {
        keep_to_owner(spi, work.settings, work.former);
    }
    make_first_partitions(spi, work.settings.archive,
                          keeps_width ? rows::get_partition_width(work.settings.archive)
                                      : choose_width(spi, work.settings.retention));
    if (work.former && work.former->has_deletion_id) {
        std::optional<std::string> deleted_by = work.settings.deleted_by;
        std::int64_t deletions = registry::adopt_deletions(
            spi, get_archive_rows(work, work.settings.archive),
            deleted_by ? std::optional(pg::quote_identifier(*deleted_by)) : std::nullopt);
        if (deletions > 0) {
            steps.push_back(
                {work.table.oid, std::to_string(deletions) + " deletions", model::Action::adopt, false, {}});
        }
    }
    note_exact_times(spi, work.table.oid); // the former archive's rows have had their ids
}

// Before the archive has its guard. The steps that this has taken are not run again.
std::vector<model::Step> renumber(pg::Spi &spi, const std::vector<ArchiveWork> &works) {
    std::vector<model::Step> done;
    for (const ArchiveWork &work : works) {
        if (work.former && work.former->has_deletion_id) {
            std::vector<model::Step> taken =
                registration::renumber_deletions(spi, get_archive_rows(work, work.former->relation));
            done.insert(done.end(), taken.begin(), taken.end());
        }
    }
    return done;
}

std::vector<model::Step> run(const RegisterRequest &request, bool is_plan) {
    pg::Spi spi;
    pg::call([] { session::check_version(); });
    check_options(request);
    registration::check_roles(spi, request.admin_roles);
    registration::check_retention(spi, request.retention);
    std::vector<catalog::Table> tables = lock_tables(spi, request, is_plan);
    std::vector<ArchiveWork> works;
    std::vector<model::Step> steps;
    GivenNames given;
    for (const catalog::Table &table : tables) {
        works.push_back(plan_table(spi, request, table, tables, &given));
        steps.insert(steps.end(), works.back().steps.begin(), works.back().steps.end());
    }
    steps = model::arrange(std::move(steps));
    if (is_plan) {
        return steps;
    }
    registry::separate_subscribers_ids(spi);
    std::vector<model::Step> done = renumber(spi, works);
    registration::run_steps(spi, steps);
    for (ArchiveWork &work : works) {
        record(spi, work, done);
    }
    steps.insert(steps.end(), done.begin(), done.end());
    return steps;
}

} // namespace

std::vector<model::Step> register_archive(const RegisterRequest &request) {
    return run(request, false);
}

std::vector<model::Step> plan_archive(const RegisterRequest &request) {
    return run(request, true);
}

bool has_archive(pg::Spi &spi, Oid relation, pg::Lock lock) {
    const catalog::Table table = catalog::get_table_definition(spi, relation);
    // Who is no owner, and what is no table, is refused by the command.
    if ((table.kind == 'r' || table.kind == 'p') && pg::owns_relation(relation)) {
        for (const catalog::Member &member : table.members) {
            (void)pg::lock_if_there(member.oid, lock);
        }
    }
    return has_archive(relation);
}

bool has_archive(Oid relation) {
    return pg::call([&] {
        return OidIsValid(registry::find_archived_relation(relation))
               || session::has_trigger(relation, model::archive_trigger);
    });
}

} // namespace softdelete::archive
