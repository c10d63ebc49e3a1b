// The archive keeps NOT NULL for the time of deletion alone, and no unique key: a row may be deleted, added and deleted
// again, and what a row had to be then says nothing of what it has to be now.
#include "archive/archive_definition.hpp"

#include "archive/own_columns.hpp"
#include "catalog/quoting.hpp"
#include "catalog/table_info.hpp"
#include "history/history_definition.hpp"
#include "model/table_settings.hpp"
#include "model/trigger_names.hpp"
#include "sqltext/table_statements.hpp"

#include <algorithm>

namespace softdelete::archive {

namespace {

using sqltext::format;

// The columns of the archive that tell of the deletion, in their order: name and type.
std::vector<std::pair<std::string, const char *>> get_deletion_columns(const ArchiveSettings &settings) {
    std::vector<std::pair<std::string, const char *>> columns = {{settings.deleted_at, "timestamptz"}};
    if (settings.deleted_by) {
        columns.emplace_back(*settings.deleted_by, "text");
    }
    columns.emplace_back(deletion_id_column, "int8");
    return columns;
}

std::string make_column_list(const ArchiveSettings &settings, const std::vector<ArchiveColumn> &columns) {
    std::string list;
    for (const ArchiveColumn &column : columns) {
        list += (list.empty() ? "" : ", ") + column.definition;
    }
    for (const auto &[name, definition] : make_own_columns(settings)) {
        list += (list.empty() ? "" : ", ") + definition;
    }
    return list;
}

} // namespace

std::vector<ArchiveColumn> read_columns(pg::Spi &spi, Oid relation) {
    std::vector<ArchiveColumn> columns;
    for (const history::SourceColumn &column : history::read_source_columns(spi, relation)) {
        if (column.is_stored) {
            columns.push_back({column.name, catalog::identifier(column.name), column.definition, column.type,
                               column.is_external});
        }
    }
    return columns;
}

sqltext::QualifiedName name_beside(const catalog::Table &table, const std::string &name) {
    return catalog::qualified_name(table.schema, name);
}

std::vector<std::string> make_archive(const catalog::Table &table, const ArchiveSettings &settings,
                                      const std::vector<ArchiveColumn> &columns, const std::string &key) {
    sqltext::QualifiedName name = name_beside(table, settings.archive_name);
    std::vector<std::string> commands = {format("CREATE TABLE %1% (%2%) PARTITION BY RANGE (%3%)", name,
                                                make_column_list(settings, columns),
                                                catalog::identifier(settings.deleted_at))};
    for (const ArchiveColumn &column : columns) {
        if (column.is_external) {
            commands.push_back(make_storage(name, column));
        }
    }
    if (!key.empty()) {
        commands.push_back(format("CREATE INDEX ON %1% (%2%)", name, key));
    }
    commands.push_back(format("CREATE INDEX ON %1% (%2%)", name, deletion_id_column));
    // Where the archive is published, rows can be restored and removed on.
    commands.push_back(format("ALTER TABLE %1% REPLICA IDENTITY FULL", name));
    if (table.has_row_security) {
        commands.push_back(sqltext::enable_row_security(name).text());
    }
    commands.push_back(
        format("CREATE TRIGGER %1% BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON %2% FOR EACH STATEMENT "
               "EXECUTE FUNCTION softdelete_internal.on_kept_table()",
               model::kept_trigger, name));
    commands.push_back(sqltext::tie_to_extension(name, sqltext::Identifier(model::kept_trigger)).text());
    for (const std::string &command : make_applied_trigger(name)) {
        commands.push_back(command);
    }
    commands.push_back(
        format("COMMENT ON TABLE %1% IS %2%", name,
               catalog::literal("Deleted rows of " + table.qualified.text() + ", kept by softdelete.")));
    commands.push_back(make_retention_comment(name, settings));
    return commands;
}

std::vector<std::string> make_applied_trigger(const sqltext::QualifiedName &archive) {
    const sqltext::Identifier trigger(model::applied_trigger);
    return {format("CREATE TRIGGER %1% BEFORE DELETE ON %2% FOR EACH ROW EXECUTE FUNCTION "
                   "softdelete_internal.on_applied_removal()",
                   trigger, archive),
            sqltext::enable_always(archive, trigger).text(),
            sqltext::tie_to_extension(archive, trigger).text()};
}

std::string make_retention_comment(const sqltext::QualifiedName &archive, const ArchiveSettings &settings) {
    return format("COMMENT ON COLUMN %1%.%2% IS %3%", archive, catalog::identifier(settings.deleted_at),
                  catalog::literal(model::describe_retention(settings.retention, settings.on_expiry)));
}

std::string make_storage(const sqltext::QualifiedName &archive, const ArchiveColumn &column) {
    return format("ALTER TABLE %1% ALTER COLUMN %2% SET STORAGE EXTERNAL", archive, column.quoted);
}

void ViewDefinition::keep_order(const std::vector<std::string> &first) {
    std::size_t place = 0;
    for (const std::string &name : first) {
        auto found = std::find(columns.begin() + static_cast<std::ptrdiff_t>(place), columns.end(), name);
        if (found == columns.end()) {
            continue;
        }
        std::size_t from = static_cast<std::size_t>(found - columns.begin());
        auto move = [&](std::vector<std::string> &list) {
            auto begin = list.begin();
            std::rotate(begin + static_cast<std::ptrdiff_t>(place), begin + static_cast<std::ptrdiff_t>(from),
                        begin + static_cast<std::ptrdiff_t>(from) + 1);
        };
        move(columns);
        for (Part &part : parts) {
            move(part.expressions);
        }
        place++;
    }
}

std::vector<std::string> read_view_columns(pg::Spi &spi, Oid view) {
    std::vector<std::string> names;
    for (const pg::Row &row :
         spi.query("SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = $1::pg_catalog.oid AND "
                   "attnum > 0 AND NOT attisdropped ORDER BY attnum",
                   {view})) {
        names.push_back(row.text(0));
    }
    return names;
}

std::string make_key(pg::Spi &spi, Oid relation) {
    std::string key;
    for (const catalog::KeyColumn &column : catalog::find_primary_key(spi, relation)) {
        key += (key.empty() ? "" : ", ") + column.name;
    }
    return key;
}

std::vector<ViewDefinition> make_views(const catalog::Table &table, const ArchiveSettings &settings,
                                       const std::vector<ArchiveColumn> &columns) {
    std::vector<std::string> names;
    ViewDefinition::Part live = {table.qualified.text(), {}};
    for (const ArchiveColumn &column : columns) {
        names.push_back(column.name);
        live.expressions.push_back(column.quoted.text());
    }
    ViewDefinition active = {settings.active_view, "active_view", names, {live}};
    ViewDefinition::Part archived = {name_beside(table, settings.archive_name).text(), live.expressions};
    for (const auto &[name, type] : get_deletion_columns(settings)) {
        std::string quoted = catalog::identifier(name).text();
        names.push_back(name);
        archived.expressions.push_back(quoted);
        live.expressions.push_back(format("NULL::pg_catalog.%1% AS %2%", type, quoted));
    }
    return {active,
            {settings.deleted_view, "deleted_view", names, {archived}},
            {settings.all_view, "all_view", names, {live, archived}}};
}

std::string make_view_query(const ViewDefinition &view) {
    std::string select;
    for (const ViewDefinition::Part &part : view.parts) {
        select += format("%1%SELECT %2% FROM %3%", (select.empty() ? "" : " UNION ALL "),
                         sqltext::join(part.expressions, ", "), part.source);
    }
    return select;
}

std::string make_view(const catalog::Table &table, const ViewDefinition &view, const std::string &options) {
    return format("CREATE VIEW %1% WITH (%2%) AS %3%", name_beside(table, view.name), options,
                  make_view_query(view));
}

std::vector<std::pair<std::string, std::string>> make_own_columns(const ArchiveSettings &settings) {
    std::vector<std::pair<std::string, std::string>> columns;
    for (const auto &[name, type] : get_deletion_columns(settings)) {
        columns.emplace_back(name, format("%1% pg_catalog.%2%%3%", catalog::identifier(name), type,
                                          (name == settings.deleted_at ? " NOT NULL" : "")));
    }
    return columns;
}

std::vector<std::string> get_own_columns(const ArchiveSettings &settings) {
    std::vector<std::string> names;
    for (const auto &[name, type] : get_deletion_columns(settings)) {
        names.push_back(name);
    }
    return names;
}

} // namespace softdelete::archive
