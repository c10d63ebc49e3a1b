// The part of registration that warns: of triggers, keys, columns and views that soft delete changes the meaning of,
// each with what to do. The warnings come first in the result.
#include "catalog/policy_catalog.hpp"
#include "catalog/quoting.hpp"
#include "catalog/referencing_tables.hpp"
#include "model/predicate.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "registration/build_index.hpp"
#include "registration/delete_triggers.hpp"
#include "registration/event_trigger_state.hpp"
#include "registration/plan_parts.hpp"
#include "registry/anonymizers.hpp"
#include "sqltext/table_statements.hpp"

#include <algorithm>

namespace softdelete::registration {

namespace {

using Key = std::vector<catalog::PrimaryKeyColumn>;

// Is a key that was deleted likely to come again? Not where it is made for each row. A partition key says nothing, unless
// it is the whole key.
bool comes_again(const Key &columns) {
    Key own;
    std::copy_if(columns.begin(), columns.end(), std::back_inserter(own),
                 [](const auto &column) { return !column.is_partition_key; });
    const Key &key = own.empty() ? columns : own;
    if (std::any_of(key.begin(), key.end(),
                    [](const auto &column) { return column.is_generated && !column.is_foreign_key; })) {
        return false;
    }
    return key.size() > 1 || !key.front().is_integer || key.front().is_foreign_key;
}

// Another primary key, with the former one among live rows; nothing where others need the former. An index, not a
// constraint: registration would make it one.
std::optional<sqltext::Statement> make_surrogate(TableWork &work, const Key &columns) {
    auto primary = std::find_if(work.indexes.begin(), work.indexes.end(), [&](const auto &index) {
        return index.is_primary && index.table == work.table.oid;
    });
    if (primary == work.indexes.end() || work.table.is_partitioned() || !primary->referencing.empty()) {
        return std::nullopt;
    }
    std::string name = work.table.find_column("id") == nullptr ? "id" : work.table.name + "_row";
    std::vector<sqltext::Identifier> list;
    std::string joined;
    for (const catalog::PrimaryKeyColumn &column : columns) {
        list.push_back(catalog::identifier(column.name));
        joined += (joined.empty() ? "" : "_") + column.name;
    }
    sqltext::IndexDefinition definition = make_definition(
        work.table.root(), {true, "USING btree (" + sqltext::list(list).text() + ")", {}, {}});
    definition.is_only = false;
    std::string index = work.names.choose(work.table.schema_oid, [&](int number) {
        return pg::make_object_name(work.table.name, joined, numbered("key", number));
    });
    return sqltext::statement("ALTER TABLE %1% DROP CONSTRAINT %2%, ADD COLUMN %3% bigint GENERATED ALWAYS "
                              "AS IDENTITY PRIMARY KEY; %4%",
                              work.table.qualified, sqltext::Identifier(primary->quoted_name),
                              catalog::identifier(name),
                              sqltext::create_index(catalog::identifier(index), definition, false));
}

// What another primary key would break or take away: holds and histories name rows by the key; objects that depend on the
// constraint, and its comment; the index that serves a foreign key; subscribers, which lack the new column.
constexpr const char *key_users_query = R"(
    SELECT FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
    WHERE k.conrelid = $1::pg_catalog.oid AND k.contype = 'p' AND (
        EXISTS (SELECT FROM softdelete_internal.hold h WHERE h.relation = c.oid AND h.released_at IS NULL)
        OR EXISTS (SELECT FROM softdelete_internal.tracked_table t WHERE t.relation = c.oid)
        OR EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.refclassid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
                   AND d.refobjid = k.oid AND d.deptype <> 'i')
        OR pg_catalog.obj_description(k.oid, 'pg_constraint') IS NOT NULL
        OR EXISTS (SELECT FROM pg_catalog.pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f' AND k.conkey[1] = ANY (f.conkey))
        OR EXISTS (SELECT FROM pg_catalog.pg_publication b WHERE b.puballtables)
        OR EXISTS (SELECT FROM pg_catalog.pg_publication_rel b WHERE b.prrelid = c.oid)
        OR EXISTS (SELECT FROM pg_catalog.pg_publication_namespace b WHERE b.pnnspid = c.relnamespace)))";

bool has_key_users(TableWork &work) {
    pg::UserScope reader(pg::get_extension_owner());
    return !work.spi.query_kept(key_users_query, {work.table.oid}).empty();
}

void warn_of_primary_key(TableWork &work) {
    Key columns = catalog::find_primary_key_columns(work.spi, work.table.oid);
    if (columns.empty()) {
        work.warn(
            model::warning::missing_primary_key, work.table.oid, "primary key",
            "the table has no primary key: softdelete.delete(), restore() and the like cannot name its rows",
            "To give it one",
            sqltext::statement(
                "ALTER TABLE %1% ADD COLUMN %2% bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
                work.table.qualified,
                catalog::identifier(work.table.find_column("id") == nullptr ? "id"
                                                                            : work.table.name + "_row")));
        return;
    }
    if (!comes_again(columns)) {
        return;
    }
    const std::string text =
        "a deleted row keeps its key: the same key cannot be inserted again until the row is restored or "
        "purged";
    if (std::optional<sqltext::Statement> remedy = make_surrogate(work, columns)) {
        work.warn(model::warning::key_is_kept, work.table.oid, "primary key", text,
                  "To make the key unique among live rows only", *remedy);
        work.steps.back().needs_look = has_key_users(work);
    } else {
        work.warn(model::warning::key_is_kept, work.table.oid, "primary key", text,
                  "Restore the row instead of inserting it again, or purge it first.");
    }
}

void warn_of_trigger(TableWork &work, const model::Warning &warning, Oid relation, const std::string &object,
                     const std::string &text, const std::string &advice, const sqltext::Statement &remedy) {
    if (remedy.text().empty()) {
        work.warn(warning, relation, object, text);
    } else {
        work.warn(warning, relation, object, text, advice, remedy);
    }
}

void warn_of_delete_triggers(TableWork &work, const catalog::Member &member) {
    for (const catalog::DeleteTrigger &trigger :
         catalog::find_delete_triggers(work.spi, member.oid, work.settings().deleted_at)) {
        if (trigger.is_provided_for) {
            continue;
        }
        std::string object = "trigger " + pg::quote_identifier(trigger.name);
        if (trigger.deletes_softly) {
            work.warn(model::warning::soft_delete_trigger, member.oid, object,
                      "the trigger seems to soft-delete by hand: it fires when a row is purged or erased, "
                      "and keeps it",
                      "If it does nothing else",
                      sqltext::statement("DROP TRIGGER %1% ON %2%", catalog::identifier(trigger.name),
                                         member.qualified));
            work.steps.back().needs_look = true;
            continue;
        }
        sqltext::Statement remedy = make_equivalents(trigger, member.qualified, work.settings().deleted_at);
        if (trigger.fires_on_update) {
            warn_of_trigger(
                work, model::warning::delete_trigger, member.oid, object,
                "the trigger fires on a soft delete as on the UPDATE that it is, with TG_OP = 'UPDATE', and "
                "once more when the row is purged",
                "To keep it quiet then", remedy);
            continue;
        }
        std::string text =
            "the trigger does not fire on a soft delete, which is an UPDATE, but when the row is purged";
        if (trigger.reads_transition_table) {
            text += "; the equivalent " + soft_trigger_advice(trigger);
        }
        warn_of_trigger(work, model::warning::delete_trigger, member.oid, object, text,
                        "The equivalent (" + soft_trigger_advice(trigger) + ")", remedy);
        work.steps.back().needs_look = trigger.is_row && trigger.is_before; // which returns OLD now
    }
}

void warn_of_update_triggers(TableWork &work, const catalog::Member &member) {
    for (const catalog::UpdateTrigger &trigger : catalog::find_update_triggers(
             work.spi, member.oid, pg::quote_identifier(work.settings().deleted_at))) {
        warn_of_trigger(
            work, model::warning::update_trigger, member.oid, "trigger " + pg::quote_identifier(trigger.name),
            "the trigger fires on soft deletes and restores as on any UPDATE, and may refuse or change them",
            "To keep it out of them", make_quiet(trigger, work.settings().deleted_at));
    }
}

void warn_of_missing_rules(TableWork &work) {
    if (work.settings().on_expiry == model::OnExpiry::anonymize
        && registry::find_anonymizers(work.spi, work.table.oid).empty()) {
        work.warn(
            model::warning::missing_rules, work.table.oid, "rules for anonymization",
            "rows cannot be anonymized when their retention ends before there is a rule for each column "
            "with personal data",
            "Such as",
            sqltext::statement("SELECT softdelete.set_anonymizer(%1%, 'email', 'NULL')",
                               catalog::literal(work.table.qualified.text())));
        work.steps.back().needs_look = true;
    }
}

bool is_among(const std::vector<catalog::Table> &tables, Oid relation) {
    return std::any_of(tables.begin(), tables.end(),
                       [=](const catalog::Table &t) { return t.oid == relation; });
}

std::vector<Oid> leave_unregistered(TableWork &work, std::vector<Oid> tables,
                                    const std::vector<catalog::Table> &together) {
    std::erase_if(tables, [&](Oid table) {
        return is_among(together, table) || catalog::has_marker(work.spi, table)
               || registry::find_registration(work.spi, table) // which repair() mends, without its marker
               || gets_archive(work, table);
    });
    return tables;
}

// Frameworks that cascade by themselves send a DELETE for the children first. One line for all: PostgreSQL's own
// referential actions do no harm there.
void warn_of_referencing(TableWork &work, const std::vector<catalog::Table> &together,
                         const std::vector<Oid> &by_cascade) {
    std::string names;
    std::vector<std::string> commands;
    for (Oid table :
         leave_unregistered(work, catalog::find_referencing_tables(work.spi, work.table.oid), together)) {
        if (std::find(by_cascade.begin(), by_cascade.end(), table) == by_cascade.end()) {
            sqltext::QualifiedName name = catalog::get_qualified_name(work.spi, table);
            names += (names.empty() ? "" : ", ") + name.text();
            if (!catalog::shares_inheritance(work.spi, table)) {
                commands.push_back(make_registration_of(work.spi, work.settings(), table).text());
            }
        }
    }
    if (!names.empty()) {
        work.steps.push_back(
            {work.table.oid, "referencing " + names, model::Action::warning, false, commands,
             "a DELETE there is physical: what an application deletes there before it deletes a row here, as "
             "many ORMs do, is gone for good",
             model::warning::unregistered_referencing,
             commands.empty()
                 ? "It cannot be registered, as it, or a child of it, inherits from another table as well"
                 : "To have it deleted and restored together"});
    }
}

void warn_of_children(TableWork &work, const std::vector<catalog::Table> &together) {
    const std::vector<Oid> children =
        leave_unregistered(work, catalog::find_cascade_children(work.spi, work.table.oid), together);
    for (Oid child : children) {
        sqltext::QualifiedName name = catalog::get_qualified_name(work.spi, child);
        const std::string text =
            "rows of this table that reference a deleted row by ON DELETE CASCADE stay until the purge, "
            "which takes them for good";
        if (catalog::shares_inheritance(work.spi, child)) {
            work.warn(
                model::warning::unregistered_child, work.table.oid, "table " + name.text(), text,
                "It cannot be registered, as it, or a child of it, inherits from another table as well. Let "
                "each child inherit from one table only.");
            continue;
        }
        work.warn(model::warning::unregistered_child, work.table.oid, "table " + name.text(), text,
                  "To have them deleted and restored together",
                  make_registration_of(work.spi, work.settings(), child));
    }
    warn_of_referencing(work, together, children);
}

// FOR ALL TABLES takes the extension's own tables along, which belong to one database each.
void warn_of_publications(TableWork &work) {
    for (const pg::Row &row :
         work.spi.query_kept("SELECT pubname FROM pg_publication WHERE puballtables ORDER BY pubname")) {
        sqltext::Identifier name = catalog::identifier(row.text(0));
        work.warn(
            model::warning::own_tables_published, work.table.oid, "publication " + name.text(),
            "the publication is FOR ALL TABLES and publishes softdelete's own tables, which subscribers "
            "must not take over",
            "To publish by schema instead",
            sqltext::statement("DROP PUBLICATION %1%; CREATE PUBLICATION %1% FOR TABLES IN SCHEMA %2%", name,
                               catalog::identifier(work.table.schema)));
    }
}

// Without the condition a permissive policy still permits, and a restrictive one may go.
sqltext::Statement relax(const TableWork &work, const catalog::Member &member,
                         const catalog::Policy &policy) {
    std::optional<std::string> rest =
        model::remove_condition(policy.condition, get_live_condition(work.settings()));
    sqltext::Identifier name = catalog::identifier(policy.name);
    if (!rest && !policy.is_permissive) {
        return sqltext::drop_policy(member.qualified, name);
    }
    return sqltext::statement("ALTER POLICY %1% ON %2% USING (%3%)", name, member.qualified,
                              sqltext::Expression(rest.value_or("true")));
}

// Without the policy's condition whoever asks would see deleted rows, before visibility rls hides them. That adopts a policy
// whose table has none with a sub-query. With visibility view somebody wants to see them.
void secure_first(TableWork &work) {
    model::Step &warning = work.steps.back();
    warning.commands.insert(warning.commands.begin(),
                            sqltext::statement("SELECT * FROM softdelete.configure(%1%, visibility => 'rls')",
                                               catalog::literal(work.table.qualified.text()))
                                .text());
    warning.needs_look = work.settings().visibility == model::Visibility::view;
}

// Made by hand for what the filter and visibility rls do.
void warn_of_policies(TableWork &work, const catalog::Member &member) {
    catalog::RowSecurity security =
        catalog::read_row_security(work.spi, member.oid, work.settings().deleted_at);
    if (!security.is_enabled) {
        return; // hides nothing
    }
    bool is_adopted = work.settings().visibility == model::Visibility::rls && !security.has_subquery();
    for (const catalog::Policy &policy : security.policies) {
        if (policy.is_ours() || !policy.mentions_column
            || !model::has_condition(policy.condition, get_live_condition(work.settings()))) {
            continue;
        }
        bool is_secured = work.settings().visibility == model::Visibility::rls;
        if (is_adopted) {
            work.adopt(member.oid, "policy " + pg::quote_identifier(policy.name));
            continue;
        }
        std::string advice = is_secured ? "softdelete_live hides deleted rows without that; to leave it to it"
                                        : "visibility => 'rls' hides deleted rows without that; with it";
        work.warn(model::warning::policy_hides_deleted, member.oid,
                  "policy " + pg::quote_identifier(policy.name),
                  "the policy hides deleted rows from whoever would restore them, admin_roles included, and "
                  "refuses UPDATE ... SET deleted_at",
                  advice, relax(work, member, policy));
        if (!is_secured && registry::find_registration(work.spi, work.table.oid)) {
            secure_first(work);
        }
    }
}

void warn_of_event_triggers(TableWork &work) {
    if (std::optional<std::string> reason = find_event_trigger_gap(work.spi)) {
        work.warn(model::warning::event_triggers_off, work.table.oid, "event triggers", *reason,
                  event_trigger_remedy);
    }
}

} // namespace

void plan_standing_warnings(TableWork &work, const std::vector<catalog::Table> &together) {
    warn_of_primary_key(work);
    for (const catalog::Member &member : work.table.members) {
        warn_of_delete_triggers(work, member);
        warn_of_update_triggers(work, member);
        warn_of_policies(work, member);
    }
    warn_of_children(work, together);
    warn_of_missing_rules(work);
    warn_of_key_indexes(work, together);
}

void plan_warnings(TableWork &work, const std::vector<catalog::Table> &together) {
    plan_standing_warnings(work, together);
    warn_of_live_children(work, together);
    warn_of_row_types(work);
    if (work.table.oid == together.front().oid) {
        warn_of_publications(work);
        warn_of_event_triggers(work);
    }
}

} // namespace softdelete::registration
