// Registers a table once more with its recorded settings; what is there already needs no step. Called by repair() and
// by event triggers after DDL that left a table behind.
#include "registration/bring_in_step.hpp"

#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "registration/lock_table.hpp"
#include "registration/plan_foreign_key_triggers.hpp"
#include "registration/plan_parts.hpp"
#include "registration/run_steps.hpp"

#include <algorithm>

namespace softdelete::registration {

namespace {

void add_missing(std::vector<std::string> &names, const std::vector<std::string> &more) {
    for (const std::string &name : more) {
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            names.push_back(name);
        }
    }
}

// Made anew, they would be empty: deleted rows would be live. deletion_id may be lost.
void check_columns(const catalog::Table &table, const model::TableSettings &settings) {
    for (const std::string &name : {settings.deleted_at, settings.deleted_by.value_or(settings.deleted_at)}) {
        if (table.find_column(name) == nullptr) {
            pg::raise({ERRCODE_UNDEFINED_COLUMN,
                       "column \"" + name + "\" of registered table \"" + table.name + "\" is missing",
                       {},
                       "Run softdelete.repair(), which finds a renamed column by the table's views. Where it "
                       "does not, give the column its name back, or add it.",
                       table.oid});
        }
    }
}

} // namespace

void run_and_record(TableWork &work) {
    std::erase_if(work.steps, [](const model::Step &step) { return !step.runs(); });
    work.steps = model::arrange(std::move(work.steps));
    run_steps(work.spi, work.steps);
    for (const registry::ConvertedIndex &index : work.converted) {
        registry::insert_converted_index(work.spi, index);
    }
    record_policies(work);
}

void repair_views(Oid relation) {
    pg::Spi spi;
    check_library_is_loaded(spi);
    auto [table, registration] = lock_registered_table(spi, relation, pg::Lock::access_exclusive);
    check_columns(table, registration.settings);
    TableWork work = begin_work_on_views(spi, table, registration, false);
    work.leaves_users_views = true;
    {
        pg::UserScope owner(table.owner);
        plan_views(work);
    }
    run_and_record(work);
    if (work.registration.added_views != registration.added_views) {
        add_missing(registration.added_views, work.registration.added_views);
        registry::update_registration(spi, registration);
    }
}

void plan_repair(TableWork &work) {
    const model::TableSettings &settings = work.settings();
    check_columns(work.table, settings);
    pg::UserScope owner(work.table.owner);
    plan_columns(work);
    plan_own_indexes(work);
    work.whole = registry::find_whole_indexes(work.spi, work.table.member_oids());
    plan_conversions(work);
    plan_triggers(work);
    std::vector<model::Step> links =
        plan_links(work.spi, {{work.table.oid, pg::quote_identifier(settings.deleted_at)}});
    work.steps.insert(work.steps.end(), links.begin(), links.end());
    plan_disabled_triggers(work);
    plan_policies(work);
    plan_views(work);
    plan_comments(work);
}

std::vector<model::Step> repair_table(Oid relation, Views views) {
    pg::Spi spi;
    check_library_is_loaded(spi);
    auto [table, registration] = lock_registered_table(spi, relation, pg::Lock::access_exclusive);
    TableWork work = begin_work(spi, table, registration, false);
    work.leaves_users_views = views == Views::own;
    plan_repair(work);
    run_and_record(work);
    add_missing(registration.added_columns, work.registration.added_columns);
    add_missing(registration.added_indexes, work.registration.added_indexes);
    add_missing(registration.added_views, work.registration.added_views);
    registry::update_registration(spi, registration);
    return work.steps;
}

} // namespace softdelete::registration
