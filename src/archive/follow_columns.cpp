// Compares the table with its archive by the names of columns, and makes up for the difference; then the views. Called when
// an event trigger sees that the table was altered, and by repair().
#include "archive/archive_readers.hpp"
#include "archive/follow_archived.hpp"
#include "archive/mend_names.hpp"
#include "catalog/quoting.hpp"
#include "catalog/table_info.hpp"
#include "catalog/view_catalog.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "pg/transactions.hpp"
#include "registration/run_steps.hpp"
#include "session/utility_commands.hpp"
#include "sqltext/table_statements.hpp"

#include <algorithm>
#include <optional>
#include <set>

namespace softdelete::archive {

namespace {

// What rows that were there before a column got from it: the value that the server keeps for them, as another part of the command
// may have set another default; else its default, a value of its identity, or what it is generated from.
constexpr const char *default_query = R"(
    SELECT CASE WHEN a.attidentity <> ''
                THEN pg_catalog.format('pg_catalog.nextval(%s)', pg_catalog.quote_literal(pg_catalog.pg_get_serial_sequence(
                         pg_catalog.format('%I.%I', n.nspname, c.relname), a.attname)))
                WHEN a.attgenerated = '' AND m.value IS NOT NULL THEN pg_catalog.quote_literal(m.value)
                ELSE pg_catalog.pg_get_expr(d.adbin, d.adrelid) END,
           a.attidentity = '' AND a.attgenerated = '' AND m.value IS NOT NULL, a.attgenerated <> ''
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    LEFT JOIN LATERAL (SELECT (o.attmissingval::pg_catalog.text::pg_catalog.text[])[1] AS value
                       FROM (SELECT a.attrelid UNION ALL SELECT t.relid FROM pg_catalog.pg_partition_tree(a.attrelid) t) AS p (relid)
                       JOIN pg_catalog.pg_attribute o ON o.attrelid = p.relid AND o.attname = a.attname AND o.atthasmissing
                       LIMIT 1) AS m ON true
    WHERE a.attrelid = $1::pg_catalog.oid AND a.attname = $2::pg_catalog.name)";

bool has_column(const std::vector<ArchiveColumn> &columns, const std::string &name) {
    return std::any_of(columns.begin(), columns.end(),
                       [&](const ArchiveColumn &column) { return column.name == name; });
}

bool has_all(const std::vector<std::string> &names, const std::vector<std::string> &others) {
    return std::all_of(others.begin(), others.end(), [&](const std::string &name) {
        return std::find(names.begin(), names.end(), name) != names.end();
    });
}

class ColumnFollower {
public:
    ColumnFollower(pg::Spi &spi, const catalog::Table &table, const ArchiveSettings &settings)
        : spi_(spi)
        , table_(table)
        , settings_(settings)
        , name_(name_beside(table, settings.archive_name))
        , views_(spi, table, settings) {}

    void run(const ColumnChanges &changes) {
        std::vector<ArchiveColumn> wanted = read_columns(spi_, table_.oid);
        check_names(wanted);
        drop_stale_policies(spi_, table_, settings_);
        if (changes.renamed) {
            rename(changes.renamed->first, changes.renamed->second);
        }
        mend_names(spi_, table_, settings_, views_);
        for (const std::string &column : changes.dropped) {
            bool is_another = changes.added.contains(column);
            if ((is_another || !has_column(wanted, column))
                && has_column(read_columns(spi_, settings_.archive), column)) {
                execute(
                    sqltext::format("ALTER TABLE %1% DROP COLUMN %2%", name_, catalog::identifier(column)));
            }
        }
        std::vector<ArchiveColumn> there = read_columns(spi_, settings_.archive);
        for (const std::string &column : changes.made) {
            if (has_column(there, column) && has_column(wanted, column)) { // of one that went unseen
                views_.take_down();
                put_aside(spi_, table_, settings_, column);
            }
        }
        there = read_columns(spi_, settings_.archive);
        for (const ArchiveColumn &column : wanted) {
            auto found = std::find_if(there.begin(), there.end(),
                                      [&](const ArchiveColumn &other) { return other.name == column.name; });
            if (found == there.end()) {
                add(column);
            } else if (found->definition != column.definition) {
                retype(column);
            }
        }
        // Those that tell of the deletion, where somebody has dropped one: without it nothing can be archived.
        for (const auto &[name, definition] : make_own_columns(settings_)) {
            if (!has_column(there, name)) {
                execute(sqltext::format("ALTER TABLE %1% ADD COLUMN %2%", name_, definition));
            }
        }
        follow_key();
        follow_row_security();
        bring_policies_in_step(spi_, table_.oid);
        views_.put_up();
    }

    void rename_in_views(const std::string &before, const std::string &now) {
        for (const std::string &view : {settings_.active_view, settings_.deleted_view, settings_.all_view}) {
            auto existing = catalog::find_relation(table_.schema_oid, view);
            if (existing && existing->kind == 'v' && !has_view_column(existing->oid, now)
                && has_view_column(existing->oid, before)) {
                execute(sqltext::format("ALTER VIEW %1% RENAME COLUMN %2% TO %3%", name_beside(table_, view),
                                        catalog::identifier(before), catalog::identifier(now)));
            }
        }
    }

private:
    void execute(const std::string &command) {
        pg::UserScope owner(table_.owner);
        spi_.execute(command);
    }

    void check_names(const std::vector<ArchiveColumn> &wanted) {
        for (const std::string &name : get_own_columns(settings_)) {
            if (has_column(wanted, name)) {
                pg::raise({.sqlstate = ERRCODE_DUPLICATE_COLUMN,
                           .message = sqltext::format("column \"%1%\" of table \"%2%\" has the name of a "
                                                      "column that its archive has itself",
                                                      name, table_.name),
                           .hint = "Give the column another name.",
                           .relation = table_.oid});
            }
        }
    }

    void rename(const std::string &before, const std::string &now) {
        const std::vector<ArchiveColumn> there = read_columns(spi_, settings_.archive);
        if (!has_column(there, before)) {
            return;
        }
        if (has_column(there, now)) { // of one that went unseen
            views_.take_down();
            put_aside(spi_, table_, settings_, now);
        }
        execute(sqltext::format("ALTER TABLE %1% RENAME COLUMN %2% TO %3%", name_,
                                catalog::identifier(before), catalog::identifier(now)));
        rename_in_views(before, now);
    }

    bool has_view_column(Oid view, const std::string &column) {
        return !spi_.query("SELECT FROM pg_catalog.pg_attribute WHERE attrelid = $1::pg_catalog.oid AND "
                           "attname = $2::pg_catalog.name AND attnum > 0 AND NOT attisdropped",
                           {view, column})
                    .empty();
    }

    struct Default {
        std::string text;
        bool is_value; // not an expression, which the session's settings may be part of
        bool is_generated;
    };

    Default read_default(const ArchiveColumn &column) {
        pg::ExactTextScope exact;
        const pg::Row row = spi_.query(default_query, {table_.oid, column.name}).front();
        return {row.text_or(0, ""), row.boolean(1), row.boolean(2)};
    }

    // Archived rows get what the rows of the table got.
    void add(const ArchiveColumn &column) {
        const Default value = read_default(column);
        {
            std::optional<pg::ExactTextScope> exact;
            if (value.is_value) {
                exact.emplace();
            }
            const sqltext::Pattern form =
                value.text.empty()   ? sqltext::Pattern("ALTER TABLE %1% ADD COLUMN %2%%3%")
                : value.is_generated ? sqltext::Pattern("ALTER TABLE %1% ADD COLUMN %2% GENERATED "
                                                        "ALWAYS AS (%3%) STORED")
                                     : sqltext::Pattern("ALTER TABLE %1% ADD COLUMN %2% DEFAULT %3%");
            execute(sqltext::format(form, name_, column.definition, value.text));
        }
        if (!value.text.empty()) {
            const sqltext::Pattern form =
                value.is_generated ? sqltext::Pattern("ALTER TABLE %1% ALTER COLUMN %2% DROP EXPRESSION")
                                   : sqltext::Pattern("ALTER TABLE %1% ALTER COLUMN %2% DROP DEFAULT");
            execute(sqltext::format(form, name_, column.quoted));
        }
        if (column.is_external) {
            execute(make_storage(name_, column));
        }
    }

    // Where event triggers were off, or a domain has a collation of its own. Values that the other type cannot have stay as they
    // are, beside the column.
    void retype(const ArchiveColumn &column) {
        views_.take_down();
        if (!become(column)) {
            put_aside(spi_, table_, settings_, column.name);
            add(column);
        }
    }

    bool become(const ArchiveColumn &column) {
        try {
            pg::Subtransaction attempt;
            execute(sqltext::format("ALTER TABLE %1% ALTER COLUMN %2% TYPE %3% USING CAST(%2% AS %4%)", name_,
                                    column.quoted, column.definition.substr(column.quoted.text().size() + 1),
                                    column.type));
            attempt.commit();
            return true;
        } catch (const pg::ServerError &error) {
            if (ERRCODE_TO_CATEGORY(error.sqlstate()) != ERRCODE_DATA_EXCEPTION
                && error.sqlstate() != ERRCODE_CANNOT_COERCE) {
                throw;
            }
        }
        return false;
    }

    void follow_key() {
        std::string key = make_key(spi_, table_.oid);
        bool is_there =
            key.empty()
            || !spi_.query("SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = $1::pg_catalog.oid AND "
                           "i.indpred IS NULL AND $2 = (SELECT "
                           "pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY k.place) "
                           "FROM pg_catalog.unnest(i.indkey) WITH ORDINALITY k (number, place) JOIN "
                           "pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number)",
                           {settings_.archive, key})
                    .empty();
        if (!is_there) {
            execute(sqltext::format("CREATE INDEX ON %1% (%2%)", name_, key));
        }
    }

    // It stays where it is disabled on the table.
    void follow_row_security() {
        if (!table_.has_row_security) {
            return;
        }
        for (const pg::Row &member : spi_.query(
                 "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM "
                 "pg_catalog.pg_partition_tree($1::pg_catalog.oid) p JOIN pg_catalog.pg_class c ON c.oid = "
                 "p.relid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE NOT "
                 "c.relrowsecurity ORDER BY 1",
                 {settings_.archive})) {
            execute(sqltext::format("ALTER TABLE %1% ENABLE ROW LEVEL SECURITY", member.text(0)));
        }
    }

    pg::Spi &spi_;
    const catalog::Table &table_;
    const ArchiveSettings &settings_;
    const sqltext::QualifiedName name_;
    RebuiltViews views_;
};

} // namespace

void follow_columns(pg::Spi &spi, Oid relation, const ColumnChanges &changes) {
    auto settings = find_settings(spi, relation);
    if (!settings) {
        return;
    }
    session::OwnDdlScope own_ddl;
    catalog::Table table = catalog::get_table_definition(spi, relation);
    ColumnFollower follower(spi, table, *settings);
    if (!settings->is_missing) {
        follower.run(changes);
    } else if (changes.renamed) {
        follower.rename_in_views(changes.renamed->first, changes.renamed->second);
    }
}

void bring_views_in_step(Oid relation) {
    pg::Spi spi;
    auto settings = find_settings(spi, relation);
    if (!settings) {
        return;
    }
    session::OwnDdlScope own_ddl;
    catalog::Table table = catalog::get_table_definition(spi, relation);
    bool show_others = false;
    pg::UserScope owner(table.owner);
    for (ViewDefinition &view : make_views(table, *settings, read_columns(spi, relation))) {
        if (settings->is_missing && view.name != settings->active_view) {
            continue;
        }
        auto existing = catalog::find_relation(table.schema_oid, view.name);
        if (!existing) {
            spi.execute(make_view(table, view));
            continue;
        }
        const std::vector<std::string> shown = read_view_columns(spi, existing->oid);
        if (has_all(shown, view.columns)) {
            continue;
        }
        if (!has_all(view.columns, shown)) {
            show_others = true;
            continue;
        }
        view.keep_order(shown);
        spi.execute(
            sqltext::or_replace(sqltext::Statement(make_view(table, view, existing->options))).text());
    }
    if (show_others) {
        RebuiltViews views(spi, table, *settings);
        views.take_down();
        views.put_up();
    }
}

} // namespace softdelete::archive
