// Warnings among the steps of archive/change_strategy, archive/between and archive/plan_change, and one for archive/register_by_strategy.
// What is an error instead stands in archive/change_parts.
#include "archive/warn_of_change.hpp"

#include "archive/archive_work.hpp"
#include "archive/own_columns.hpp"
#include "catalog/quoting.hpp"
#include "catalog/table_info.hpp"
#include "pg/relations.hpp"
#include "sqltext/format.hpp"

#include <algorithm>

namespace softdelete::archive {

namespace {

using model::Step;

constexpr const char *publications_query = R"(
    SELECT DISTINCT p.pubname
    FROM pg_catalog.pg_publication p
    JOIN pg_catalog.pg_publication_tables t ON t.pubname = p.pubname
    JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
    WHERE (p.pubinsert OR p.pubdelete)
      AND c.oid IN (SELECT $1::pg_catalog.oid UNION SELECT m.relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid) m)
    ORDER BY 1)";

// The columns that both have, in the table's order; nothing where the archive lacks one, or is no such thing. $2: the archive's name.
constexpr const char *left_query = R"(
    SELECT pg_catalog.format('%I.%I', n.nspname, t.relname), pg_catalog.format('%I.%I', n.nspname, a.relname),
           pg_catalog.string_agg(pg_catalog.quote_ident(ac.attname), ', ' ORDER BY tc.attnum)
    FROM pg_catalog.pg_class t
    JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
    JOIN pg_catalog.pg_class a ON a.relnamespace = t.relnamespace AND a.relname = $2::pg_catalog.name
         AND a.relkind = 'p' AND a.relowner = t.relowner
    JOIN pg_catalog.pg_attribute tc ON tc.attrelid = t.oid AND tc.attnum > 0 AND NOT tc.attisdropped AND tc.attgenerated = ''
    LEFT JOIN pg_catalog.pg_attribute ac ON ac.attrelid = a.oid AND ac.attname = tc.attname AND NOT ac.attisdropped
    WHERE t.oid = $1::pg_catalog.oid
      AND EXISTS (SELECT FROM pg_catalog.pg_attribute d WHERE d.attrelid = a.oid AND d.attname = 'deletion_id' AND NOT d.attisdropped)
    GROUP BY 1, 2
    HAVING pg_catalog.count(*) = pg_catalog.count(ac.attname))";

Step make_warning(const catalog::Table &table, const std::string &object, const std::string &remark,
                  const model::Warning &warning, const std::string &advice) {
    return {table.oid, object, model::Action::warning, false, {}, remark, warning, advice};
}

// An archive has types of its own, which the columns keep on the way back.
void add_types(const catalog::Table &table, const model::TableSettings &settings, std::vector<Step> *steps) {
    auto compare = [&](const std::string &name, const std::string &type) {
        const catalog::Column *column = table.find_column(name);
        if (column != nullptr && column->type != type) {
            steps->push_back(make_warning(
                table, "column " + catalog::identifier(name).text(),
                sqltext::format("the column is of type %1%; in the archive, and after a change back, it is "
                                "of type %2%",
                                column->type, type),
                model::warning::column_type_lost,
                name == settings.deleted_at ? "The times are the same"
                                            : "After a change back, ALTER TABLE ... ALTER COLUMN ... TYPE "
                                              "... USING gives it that again"));
        }
    };
    compare(settings.deleted_at, "timestamp with time zone");
    if (settings.deleted_by) {
        compare(*settings.deleted_by, "text");
    }
}

bool is_unique(const Step &step) {
    return std::any_of(step.commands.begin(), step.commands.end(), [](const std::string &command) {
        return command.find(" UNIQUE ") != std::string::npos
               || command.find(" EXCLUDE ") != std::string::npos;
    });
}

// Which register() would not give the condition by the setting that it had.
void add_conditions(const catalog::Table &table, model::IndexMode mode, const std::vector<Step> &ends,
                    std::vector<Step> *steps) {
    for (const Step &end : ends) {
        const bool is_given =
            mode == model::IndexMode::all || (mode == model::IndexMode::unique && is_unique(end));
        const bool is_index = end.object.starts_with("index ") || end.object.starts_with("constraint ");
        if (end.action == model::Action::replace && is_index && !is_given) {
            steps->push_back(make_warning(
                table, end.object,
                "its condition on live rows goes, and a change back does not bring it: it covers deleted "
                "rows then",
                model::warning::condition_lost, "Make it anew with the condition after a change back"));
        }
    }
}

} // namespace

std::vector<Step> warn_of_change(pg::Spi &spi, const catalog::Table &table,
                                 const registry::Registration &registration, const std::vector<Step> &ends) {
    std::vector<Step> steps = warn_of_subscribers(spi, table);
    add_types(table, registration.settings, &steps);
    add_conditions(table, registration.settings.indexes, ends, &steps);
    return steps;
}

std::vector<Step> warn_of_left_archive(pg::Spi &spi, Oid relation) {
    const catalog::TableInfo info = catalog::get_table(spi, relation);
    if (!pg::owns_relation(relation) || info.is_registered || info.is_archived()) {
        return {}; // which register() refuses
    }
    const catalog::Table table = catalog::get_table_definition(spi, relation);
    const std::vector<pg::Row> left = spi.query(left_query, {relation, choose_archive_name(table)});
    if (left.empty()) {
        return {};
    }
    const std::string archive = left.front().text(1);
    if (table.find_column(deletion_id_column) != nullptr) {
        pg::raise(
            {.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
             .message = sqltext::format("table \"%1%\" has deleted rows in two places", table.name),
             .detail = sqltext::format("Some may be marked, others are in %1%, as a change of strategy "
                                       "that has not ended leaves them.",
                                       archive),
             .hint = sqltext::format(
                 "INSERT INTO %1% (%2%) OVERRIDING SYSTEM VALUE SELECT %2% FROM %3%. Then drop %3%, with "
                 "the views that read it, and register the table. Or rename %3%: its rows are left out.",
                 left.front().text(0), left.front().text(2), archive),
             .relation = relation});
    }
    return {make_warning(
        table, "table " + archive, "an earlier registration has left it; its rows are no part of this one",
        model::warning::archive_left,
        "To go on with it, unregister the table, and register it with strategy => 'archive'")};
}

std::vector<Step> warn_of_subscribers(pg::Spi &spi, const catalog::Table &table) {
    std::vector<Step> steps;
    for (const pg::Row &row : spi.query(publications_query, {table.oid})) {
        steps.push_back(make_warning(
            table, "publication " + catalog::identifier(row.text(0)).text(),
            "subscribers are sent that deleted rows leave the table or come to it, and neither the columns "
            "nor the archive",
            model::warning::strategy_published,
            "Change the strategy there as well, while nobody writes to the table"));
    }
    return steps;
}

} // namespace softdelete::archive
