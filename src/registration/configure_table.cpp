// configure(): changes retention, visibility, indexes or admin roles with the same parts as registration, for what
// changes. Called by api/registration.
#include "registration/configure_table.hpp"

#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "registration/lock_table.hpp"
#include "registration/parse_options.hpp"
#include "registration/plan_parts.hpp"
#include "registration/run_steps.hpp"
#include "registry/anonymizers.hpp"
#include "registry/retention.hpp"

#include <algorithm>

namespace softdelete::registration {

namespace {

void check_request(const ConfigureRequest &request) {
    if (!request.retention && !request.keep_forever && !request.visibility && !request.indexes
        && !request.admin_roles && !request.on_expiry) {
        pg::raise({ERRCODE_INVALID_PARAMETER_VALUE,
                   "nothing to configure",
                   {},
                   "Give retention, keep_forever, visibility, indexes, admin_roles, on_expiry or strategy."});
    }
    if (request.retention && request.keep_forever == true) {
        pg::raise({ERRCODE_INVALID_PARAMETER_VALUE,
                   "retention and keep_forever contradict each other",
                   {},
                   "Give one of them."});
    }
}

void check_anonymizers(pg::Spi &spi, const ConfigureRequest &request, const catalog::Table &table) {
    if (request.on_expiry && get_on_expiry(*request.on_expiry) == model::OnExpiry::anonymize
        && registry::find_anonymizers(spi, table.oid).empty()) {
        pg::raise({ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   "table \"" + table.name + "\" has no rules for anonymization",
                   {},
                   "Set one for each column with personal data by softdelete.set_anonymizer() first.",
                   table.oid});
    }
}

model::TableSettings change_settings(const ConfigureRequest &request,
                                     const registry::Registration &registration) {
    model::TableSettings settings = registration.settings;
    if (request.retention) {
        settings.retention = request.retention;
    } else if (request.keep_forever == true) {
        settings.retention = std::nullopt;
    } else if (request.keep_forever == false && !settings.retention) {
        pg::raise({ERRCODE_INVALID_PARAMETER_VALUE,
                   "keep_forever => false needs a retention",
                   {},
                   "Give retention => '90 days', for example.",
                   registration.relation});
    }
    if (request.visibility) {
        settings.visibility = get_visibility(*request.visibility);
    }
    if (request.indexes) {
        settings.indexes = get_index_mode(*request.indexes);
    }
    settings.admin_roles = request.admin_roles.value_or(settings.admin_roles);
    if (request.on_expiry) {
        settings.on_expiry = get_on_expiry(*request.on_expiry);
    }
    return settings;
}

// Those that the new mode leaves alone, and those that are partial by their author's word.
std::vector<registry::ConvertedIndex> find_unwanted(TableWork &work) {
    std::vector<registry::ConvertedIndex> records =
        registry::find_converted_indexes(work.spi, work.table.member_oids());
    std::erase_if(records, [&](const registry::ConvertedIndex &record) {
        if (record.is_authors()) {
            return true;
        }
        auto index =
            std::find_if(work.indexes.begin(), work.indexes.end(), [&](const model::IndexFacts &facts) {
                return facts.table == record.relation && facts.name == record.name;
            });
        bool is_unique = record.is_constraint() || (index != work.indexes.end() && index->is_unique);
        switch (work.settings().indexes) {
        case model::IndexMode::all:
            return true;
        case model::IndexMode::unique:
            return is_unique;
        case model::IndexMode::none:
            return false;
        }
        return true;
    });
    return records;
}

std::string list_names(const std::vector<std::string> &names) {
    std::string list;
    for (const std::string &name : names) {
        list += (list.empty() ? "" : ", ") + pg::quote_identifier(name);
    }
    return list.empty() ? "none" : list;
}

// Settings that no object shows: where one changes and nothing of the table with it, there is a row nonetheless.
void add_settings(TableWork &work, const model::TableSettings &former) {
    const model::TableSettings &settings = work.settings();
    auto add = [&](const char *name, const std::string &before, const std::string &now) {
        if (before != now) {
            work.steps.push_back({work.table.oid,
                                  std::string("setting ") + name,
                                  model::Action::alter,
                                  false,
                                  {},
                                  "it was " + before + ", it is " + now});
        }
    };
    add("admin_roles", list_names(former.admin_roles), list_names(settings.admin_roles));
    add("indexes", model::to_text(former.indexes), model::to_text(settings.indexes));
    add("on_expiry", model::to_text(former.on_expiry), model::to_text(settings.on_expiry));
}

} // namespace

std::vector<model::Step> configure_table(const ConfigureRequest &request) {
    pg::Spi spi;
    check_request(request);
    bool is_deep = request.visibility || request.indexes;
    auto [table, registration] = lock_registered_table(
        spi, request.relation, is_deep ? pg::Lock::access_exclusive : pg::Lock::access_share);
    if (!request.strategy) { // a change of strategy asks for nothing but the visibility
        check_not_between(spi, request.relation);
    }
    check_roles(spi, request.admin_roles.value_or(std::vector<std::string>()));
    check_retention(spi, request.retention);
    check_anonymizers(spi, request, table);
    if (request.retention || request.keep_forever || request.on_expiry) {
        pg::call([&] { registry::lock_retention(table.oid, registry::RetentionLock::exclusive); });
    }
    const model::TableSettings former = registration.settings;
    registration.settings = change_settings(request, registration);
    const bool changes_indexes = request.indexes.has_value(); // to what the catalogs say today
    TableWork work = begin_work(spi, table, registration, false);
    std::vector<registry::ConvertedIndex> unwanted;
    {
        pg::UserScope owner(table.owner);
        if (changes_indexes) {
            unwanted = find_unwanted(work);
            plan_reversals(work, unwanted);
            plan_own_indexes(work);
            plan_conversions(work);
            warn_of_key_indexes(work, {table});
        }
        if (request.visibility) {
            plan_triggers(work);
            plan_policies(work);
        }
        plan_comments(work);
    }
    std::erase_if(work.steps, [](const model::Step &step) {
        return step.action == model::Action::adopt || step.action == model::Action::keep;
    });
    add_settings(work, former);
    work.steps = model::arrange(std::move(work.steps));
    run_steps(spi, work.steps,
              "A deleted row has the same key as another row. Remove it for good by softdelete.erase(), or "
              "change one of them.");
    for (const registry::ConvertedIndex &index : unwanted) {
        registry::delete_converted_index(spi, index.relation, index.name);
    }
    if (changes_indexes) {
        registry::delete_whole_indexes(spi, table.member_oids());
    }
    for (const registry::ConvertedIndex &index : work.converted) {
        registry::insert_converted_index(spi, index);
    }
    record_policies(work);
    registry::update_registration(spi, registration);
    return work.steps;
}

} // namespace softdelete::registration
