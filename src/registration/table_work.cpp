// What the parts of registration share while they work on one table: its facts, its settings, the steps so far, the
// names taken.
#include "registration/table_work.hpp"

#include "catalog/index_catalog.hpp"
#include "catalog/quoting.hpp"
#include "catalog/referencing_tables.hpp"
#include "catalog/table_info.hpp"
#include "catalog/view_catalog.hpp"
#include "pg/quote.hpp"
#include "sqltext/table_statements.hpp"

#include <algorithm>

namespace softdelete::registration {

using model::Action;

std::string NameChooser::choose(Oid schema, const std::function<std::string(int)> &candidate) {
    for (int number = 0;; number++) {
        std::string name = candidate(number);
        if (!given_.contains({schema, name}) && !catalog::has_relation(schema, name)) {
            given_.insert({schema, name});
            return name;
        }
    }
}

const catalog::Member &TableWork::member(Oid oid) const {
    return *table.find_member(oid);
}

const model::IndexFacts *TableWork::find_index(Oid of, const std::string &name) const {
    for (const model::IndexFacts &index : indexes) {
        if (index.table == of && index.name == name) {
            return &index;
        }
    }
    return nullptr;
}

void TableWork::add(Action action, Oid relation, const std::string &object,
                    const sqltext::Statement &command) {
    steps.push_back({relation, object, action, false, {command.text()}});
}

void TableWork::add_online(Action action, Oid relation, const std::string &object,
                           const sqltext::Statement &command) {
    steps.push_back({relation, object, action, true, {command.text()}});
}

void TableWork::adopt(Oid relation, const std::string &object) {
    steps.push_back({relation, object, Action::adopt, false, {}});
}

void TableWork::keep(Oid relation, const std::string &object, const std::string &reason) {
    steps.push_back({relation, object, Action::keep, false, {}, reason});
}

void TableWork::warn(const model::Warning &warning, Oid relation, const std::string &object,
                     const std::string &text, const std::string &hint) {
    steps.push_back({relation, object, Action::warning, false, {}, text, warning, hint});
}

void TableWork::warn(const model::Warning &warning, Oid relation, const std::string &object,
                     const std::string &text, const std::string &advice, const sqltext::Statement &remedy) {
    steps.push_back({relation, object, Action::warning, false, {remedy.text()}, text, warning, advice});
}

TableWork begin_work(pg::Spi &spi, const catalog::Table &table, const registry::Registration &registration,
                     bool is_plan) {
    TableWork work = begin_work_on_views(spi, table, registration, is_plan);
    std::vector<std::string> columns = {registration.settings.deleted_at, deletion_id_column};
    if (registration.settings.deleted_by) {
        columns.push_back(*registration.settings.deleted_by);
    }
    work.indexes = catalog::find_indexes(spi, table.member_oids(), columns);
    return work;
}

TableWork begin_work_on_views(pg::Spi &spi, const catalog::Table &table,
                              const registry::Registration &registration, bool is_plan) {
    return {.spi = spi,
            .table = table,
            .is_plan = is_plan,
            .is_named = true,
            .registration = registration,
            .converted = {},
            .indexes = {},
            .own_indexes = {},
            .steps = {},
            .comments = {},
            .names = {},
            .secured = {},
            .released = {},
            .going = {}};
}

std::string get_live_condition(const model::TableSettings &settings) {
    return sqltext::expression("(%1% IS NULL)", catalog::identifier(settings.deleted_at)).text();
}

bool gets_archive(const TableWork &work, Oid relation) {
    return std::find(work.archived.begin(), work.archived.end(), relation) != work.archived.end()
           || catalog::get_table(work.spi, relation).is_archived();
}

std::string make_numbered_name(const std::string &name, int number) {
    std::string whole = number == 0 ? name : name + std::to_string(number);
    return number == 0 || pg::truncate_name(whole) == whole
               ? pg::truncate_name(whole)
               : pg::make_object_name(name, "", std::to_string(number));
}

std::string numbered(const std::string &label, int number) {
    return number == 0 ? label : label + std::to_string(number);
}

sqltext::Expression make_arguments(const model::TableSettings &settings) {
    std::string text;
    auto add = [&](const char *name, const std::string &value) {
        text += std::string(", ") + name + " => " + value;
    };
    if (settings.retention) {
        add("retention", catalog::literal(*settings.retention).text());
    }
    if (settings.visibility != model::Visibility::filter) {
        add("visibility", catalog::literal(model::to_text(settings.visibility)).text());
    }
    if (settings.indexes != model::default_index_mode(settings.visibility)) {
        add("indexes", catalog::literal(model::to_text(settings.indexes)).text());
    }
    if (settings.deleted_at != "deleted_at") {
        add("deleted_at", catalog::literal(settings.deleted_at).text());
    }
    if (settings.deleted_by != "deleted_by") {
        add("deleted_by", settings.deleted_by ? catalog::literal(*settings.deleted_by).text() : "NULL");
    }
    if (!settings.admin_roles.empty()) {
        add("admin_roles", catalog::literal(pg::make_array(settings.admin_roles)).text());
    }
    return sqltext::Expression(text);
}

sqltext::Statement make_registration_of(pg::Spi &spi, const model::TableSettings &settings, Oid child) {
    bool has_children = !catalog::find_cascade_children(spi, child).empty();
    return sqltext::statement("SELECT * FROM softdelete.register(%1%%2%%3%)",
                              catalog::literal(catalog::get_qualified_name(spi, child).text()),
                              make_arguments(settings),
                              sqltext::Expression(has_children ? ", cascade => true" : ""));
}

} // namespace softdelete::registration
