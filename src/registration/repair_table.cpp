// repair(): finds the columns, views and indexes that DDL without event triggers has renamed or changed, by what they
// are and not by the name that the registry has, corrects the registry, then has registration/bring_in_step do the
// rest. Called by api/registration.
#include "registration/repair_table.hpp"

#include "catalog/quoting.hpp"
#include "model/predicate.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "registration/bring_in_step.hpp"
#include "registration/check_rules.hpp"
#include "registration/constraint_definitions.hpp"
#include "registration/event_trigger_state.hpp"
#include "registration/lock_table.hpp"
#include "registration/plan_foreign_key_triggers.hpp"
#include "registration/renumber_deletions.hpp"
#include "registration/run_steps.hpp"
#include "registration/table_work.hpp"
#include "registry/registered_names.hpp"
#include "session/utility_commands.hpp"

extern "C" {
#include "catalog/pg_class.h"
#include "utils/lsyscache.h"
}

#include <algorithm>

namespace softdelete::registration {

namespace {

using model::IndexFacts;
using registry::ConvertedIndex;
using Steps = std::vector<model::Step>;

// Triggers for foreign keys that are not there, on tables that the caller owns.
constexpr const char *orphans_query = R"(
    SELECT DISTINCT t.tgrelid
    FROM pg_catalog.pg_trigger t
    JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid AND p.proname = 'check_parent'
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'softdelete_internal'
    JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid AND NOT c.relispartition
    WHERE t.tgparentid = 0 AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = t.tgrelid AND k.contype = 'f'
                      AND t.tgargs = pg_catalog.convert_to(k.conname, pg_catalog.getdatabaseencoding()) || '\x00'))";

constexpr const char *views_query = R"(
    SELECT c.oid, c.relname
    FROM pg_catalog.pg_class c
    WHERE c.relnamespace = $1::pg_catalog.oid AND c.relname = ANY ($2::pg_catalog.name[]) AND c.relkind = 'v'
      AND c.relowner <> $3::pg_catalog.oid
    ORDER BY c.oid)";

void append(Steps &steps, const Steps &more) {
    steps.insert(steps.end(), more.begin(), more.end());
}

Steps give_own_views(pg::Spi &spi, const RegisteredTable &registered) {
    return give_views(spi, registered.table, registered.registration.added_views, [&](Oid relation) {
        const pg::SimpleView view = pg::read_view(relation);
        return view.is_simple && view.table == registered.table.oid;
    });
}

// The column that had the name when the views were made: they go on showing it under that name.
std::optional<std::string> find_renamed(const RegisteredTable &registered, const std::string &name) {
    const model::TableSettings &settings = registered.registration.settings;
    for (const std::string &title : {settings.active_view, settings.deleted_view, settings.all_view}) {
        Oid relation =
            pg::call([&] { return get_relname_relid(title.c_str(), registered.table.schema_oid); });
        if (!OidIsValid(relation) || pg::call([&] { return get_rel_relkind(relation); }) != RELKIND_VIEW) {
            continue;
        }
        pg::SimpleView view = pg::read_view(relation);
        if (!view.is_simple || view.table != registered.table.oid) {
            continue;
        }
        if (name == settings.deleted_at && !view.condition_column.empty()) {
            return view.condition_column;
        }
        for (const auto &[shown, column] : view.columns) {
            if (shown == name) {
                return column;
            }
        }
    }
    return std::nullopt;
}

// Made anew, it would be empty: deletions could not be undone.
void check_deletion_ids(const RegisteredTable &registered) {
    const catalog::Table &table = registered.table;
    std::optional<std::string> found = table.find_column(deletion_id_column) == nullptr
                                           ? find_renamed(registered, deletion_id_column)
                                           : std::nullopt;
    if (found) {
        pg::raise({ERRCODE_UNDEFINED_COLUMN,
                   "column \"deletion_id\" of registered table \"" + table.name + "\" has been renamed",
                   "softdelete keeps the ids of deletions under this name.",
                   sqltext::statement("Run ALTER TABLE %1% RENAME COLUMN %2% TO deletion_id first.",
                                      table.qualified, catalog::identifier(*found))
                       .text(),
                   table.oid});
    }
}

Steps follow_renamed_columns(pg::Spi &spi, RegisteredTable &registered) {
    const model::TableSettings &settings = registered.registration.settings;
    Steps steps;
    for (const std::string &name : {settings.deleted_at, settings.deleted_by.value_or(settings.deleted_at)}) {
        std::optional<std::string> found =
            registered.table.find_column(name) == nullptr ? find_renamed(registered, name) : std::nullopt;
        if (found && *found != name) {
            registry::rename_column(spi, registered.table.oid, name, *found);
            steps.push_back({registered.table.oid,
                             "column " + catalog::identifier(*found).text(),
                             model::Action::adopt,
                             false,
                             {}});
        }
    }
    registered.registration = *registry::find_registration(spi, registered.table.oid);
    return steps;
}

// From USING on, without our condition.
std::string get_body(const std::string &definition, const std::string &live_condition) {
    std::size_t begin = definition.find(" USING ");
    std::string body = begin == std::string::npos ? definition : definition.substr(begin + 1);
    std::size_t where = body.rfind(" WHERE ");
    if (where == std::string::npos) {
        return body;
    }
    std::string predicate = body.substr(where + 7);
    std::optional<std::string> rest = model::remove_condition(predicate, live_condition);
    return body.substr(0, where) + (rest ? " WHERE " + *rest : "");
}

// Was this index made from what the record describes?
bool is_of(const IndexFacts &index, const ConvertedIndex &record, const std::string &live_condition) {
    if (index.table != record.relation || !index.predicate
        || !model::has_condition(*index.predicate, live_condition)) {
        return false;
    }
    if (record.kind == "unique") {
        return index.is_unique && make_unique(index, false, false).text() == record.definition;
    }
    if (record.kind == "unique deferrable") {
        return index.is_exclusion
               && make_unique(index, true, record.is_initially_deferred).text() == record.definition;
    }
    if (record.kind == "exclude") {
        auto predicate = model::remove_condition(*index.predicate, live_condition);
        return index.is_exclusion && make_exclusion(index, predicate).text() == record.definition;
    }
    return !index.is_exclusion
           && get_body(index.definition, live_condition) == get_body(record.definition, live_condition);
}

// The record follows an index that is certain to be its own: the only one that fits and has no record.
Steps follow_renamed_indexes(pg::Spi &spi, const RegisteredTable &registered) {
    const catalog::Table &table = registered.table;
    TableWork work = begin_work(spi, table, registered.registration, false);
    std::vector<Oid> members;
    for (const catalog::Member &member : table.members) {
        members.push_back(member.oid);
    }
    std::vector<ConvertedIndex> records = registry::find_converted_indexes(spi, members);
    auto is_named = [&](const IndexFacts &index) {
        return std::any_of(records.begin(), records.end(), [&](const ConvertedIndex &record) {
            return record.relation == index.table && record.name == index.name;
        });
    };
    std::string live = get_live_condition(work.settings());
    Steps steps;
    for (const ConvertedIndex &record : records) {
        std::vector<const IndexFacts *> found;
        bool is_there = false;
        for (const IndexFacts &index : work.indexes) {
            is_there = is_there || (index.table == record.relation && index.name == record.name);
            if (!is_named(index) && is_of(index, record, live)) {
                found.push_back(&index);
            }
        }
        if (!is_there && found.size() == 1) {
            registry::rename_index(spi, table.oid, record.relation, record.name, found.front()->name);
            steps.push_back(
                {record.relation, model::describe(*found.front()), model::Action::adopt, false, {}});
        }
    }
    return steps;
}

Steps drop_orphans(pg::Spi &spi) {
    Steps steps;
    for (const pg::Row &row : spi.query_kept(orphans_query)) {
        Steps taken = plan_own_links(spi, row.oid(0));
        run_steps(spi, taken);
        append(steps, taken);
    }
    return steps;
}

// Rows that came by replication: the log takes on their deletions, each with an id of its own.
Steps take_on_deletions(pg::Spi &spi, const RegisteredTable &registered) {
    const catalog::Table &table = registered.table;
    const model::TableSettings &settings = registered.registration.settings;
    if (table.find_column(deletion_id_column) == nullptr
        || table.find_column(settings.deleted_at) == nullptr) {
        return {}; // bring_in_step() has something to say about it
    }
    registry::TableRows rows = {table.oid, table.owner, table.qualified,
                                catalog::identifier(settings.deleted_at)};
    Steps steps = part_deletions(spi, rows);
    std::int64_t deletions = registry::adopt_deletions(
        spi, rows,
        settings.deleted_by ? std::optional(pg::quote_identifier(*settings.deleted_by)) : std::nullopt);
    if (deletions > 0) {
        steps.push_back(
            {table.oid, std::to_string(deletions) + " deletions", model::Action::adopt, false, {}});
    }
    return steps;
}

} // namespace

std::vector<model::Step> give_views(pg::Spi &spi, const catalog::Table &table,
                                    const std::vector<std::string> &names,
                                    const std::function<bool(Oid)> &is_own) {
    std::string owner = pg::call([&] { return GetUserNameFromId(table.owner, false); });
    Steps steps;
    for (const pg::Row &row :
         spi.query_kept(views_query, {table.schema_oid, pg::make_array(names), table.owner})) {
        if (!is_own(row.oid(0))) {
            continue;
        }
        sqltext::QualifiedName name = catalog::qualified_name(table.schema, row.text(1));
        sqltext::Statement command =
            sqltext::statement("ALTER VIEW %1% OWNER TO %2%", name, catalog::identifier(owner));
        pg::UserScope administrator(pg::get_extension_owner());
        session::OwnDdlScope own_ddl;
        spi.execute(command.text());
        steps.push_back({table.oid,
                         "view " + catalog::identifier(row.text(1)).text(),
                         model::Action::alter,
                         false,
                         {command.text()}});
    }
    return steps;
}

std::vector<model::Step> mend_table(Oid relation) {
    pg::Spi spi;
    check_library_is_loaded(spi);
    RegisteredTable registered = lock_registered_table(spi, relation, pg::Lock::access_exclusive);
    check_rules(spi, registered.table, "repair");
    check_deletion_ids(registered);
    Steps steps = follow_renamed_columns(spi, registered);
    append(steps, give_own_views(spi, registered));
    append(steps, follow_renamed_indexes(spi, registered));
    append(steps, drop_orphans(spi));
    append(steps, repair_table(relation, Views::all));
    append(steps, take_on_deletions(spi, registered));
    if (std::optional<std::string> reason = find_event_trigger_gap(spi)) {
        pg::warn(*reason, event_trigger_remedy);
    }
    return steps;
}

} // namespace softdelete::registration
