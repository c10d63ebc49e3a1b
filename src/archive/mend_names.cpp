// A view keeps the numbers of the columns that it shows: the view of all rows tells which column of the archive goes with which of the
// table, whatever their names have become.
#include "archive/mend_names.hpp"

#include "archive/archive_definition.hpp"
#include "archive/own_columns.hpp"
#include "catalog/quoting.hpp"
#include "catalog/table_info.hpp"
#include "catalog/view_catalog.hpp"
#include "pg/quote.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "registration/table_work.hpp"
#include "session/utility_commands.hpp"

#include <algorithm>
#include <map>

namespace softdelete::archive {

namespace {

constexpr const char *time_query = R"(
    SELECT a.attname FROM pg_catalog.pg_partitioned_table p
    JOIN pg_catalog.pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
    WHERE p.partrelid = $1::pg_catalog.oid)";

bool contains(const std::vector<std::string> &names, const std::string &name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::string> get_names(const std::vector<ArchiveColumn> &columns) {
    std::vector<std::string> names;
    for (const ArchiveColumn &column : columns) {
        names.push_back(column.name);
    }
    return names;
}

class NameMender {
public:
    NameMender(pg::Spi &spi, const catalog::Table &table, const ArchiveSettings &settings)
        : spi_(spi)
        , table_(table)
        , settings_(settings)
        , name_(name_beside(table, settings.archive_name))
        , own_(get_own_columns(settings)) {}

    std::vector<std::string> find_names() {
        find();
        std::vector<std::string> names;
        for (const auto &[before, now] : renamed_) {
            names.push_back(now);
        }
        return names;
    }

    void run(RebuiltViews &views) {
        find();
        if (renamed_.empty()) {
            return;
        }
        rename_in_views();
        views.take_down();
        const std::vector<std::string> there = get_names(read_columns(spi_, settings_.archive));
        bool is_circle = false;
        for (const auto &[before, now] : renamed_) {
            if (renamed_.contains(now)) {
                is_circle = true;
            } else if (contains(there, now)) {
                put_aside(spi_, table_, settings_, now);
            }
        }
        int number = 0;
        for (auto &[before, now] : renamed_) {
            const std::string between = "softdelete_renamed_" + std::to_string(++number);
            rename(before, is_circle ? between : now);
        }
        number = 0;
        for (const auto &[before, now] : renamed_) {
            if (is_circle) {
                rename("softdelete_renamed_" + std::to_string(++number), now);
            }
        }
    }

private:
    void note(const std::string &before, const std::string &now) {
        if (!before.empty() && before != now) {
            renamed_.emplace(before, now);
        }
    }

    Oid find_view(const std::string &name) {
        auto existing = catalog::find_relation(table_.schema_oid, name);
        return existing && existing->kind == 'v' ? existing->oid : InvalidOid;
    }

    void find() {
        note(spi_.query(time_query, {settings_.archive}).front().text(0), settings_.deleted_at);
        find_in_all_view();
        find_in_others();
    }

    void find_in_all_view() {
        const Oid view = find_view(settings_.all_view);
        for (const pg::UnionColumn &column : OidIsValid(view)
                                                 ? pg::read_union(view, table_.oid, settings_.archive)
                                                 : std::vector<pg::UnionColumn>()) {
            if (!column.first.empty()) {
                note(column.second, column.first);
            } else if (contains(own_, column.name)) {
                note(column.second, column.name);
            }
        }
    }

    // The two others show the same columns under the same names.
    void find_in_others() {
        const Oid view = find_view(settings_.deleted_view);
        const pg::SimpleView shown = OidIsValid(view) ? pg::read_view(view) : pg::SimpleView();
        if (!shown.is_simple || shown.table != settings_.archive) {
            return;
        }
        const std::map<std::string, std::string> live = read_live_names();
        for (const auto &[name, column] : shown.columns) {
            if (contains(own_, name)) {
                note(column, name);
            } else if (auto found = live.find(name); found != live.end()) {
                note(column, found->second);
            }
        }
    }

    // The table's columns by their names in the view of live rows.
    std::map<std::string, std::string> read_live_names() {
        const Oid view = find_view(settings_.active_view);
        const pg::SimpleView shown = OidIsValid(view) ? pg::read_view(view) : pg::SimpleView();
        return shown.is_simple && shown.table == table_.oid
                   ? std::map<std::string, std::string>(shown.columns.begin(), shown.columns.end())
                   : std::map<std::string, std::string>();
    }

    // Those that are one column's alone: what is granted on it stays granted on it.
    void rename_in_views() {
        session::OwnDdlScope own_ddl;
        pg::UserScope owner(table_.owner);
        for (const std::string &view : {settings_.active_view, settings_.deleted_view, settings_.all_view}) {
            const Oid existing = find_view(view);
            const std::vector<std::string> shown =
                OidIsValid(existing) ? read_view_columns(spi_, existing) : std::vector<std::string>();
            for (const auto &[before, now] : renamed_) {
                if (contains(shown, before) && !contains(shown, now)) {
                    spi_.execute(sqltext::format("ALTER VIEW %1% RENAME COLUMN %2% TO %3%",
                                                 name_beside(table_, view), catalog::identifier(before),
                                                 catalog::identifier(now)));
                }
            }
        }
    }

    void rename(const std::string &before, const std::string &now) {
        session::OwnDdlScope own_ddl;
        pg::UserScope owner(table_.owner);
        spi_.execute(sqltext::format("ALTER TABLE %1% RENAME COLUMN %2% TO %3%", name_,
                                     catalog::identifier(before), catalog::identifier(now)));
    }

    pg::Spi &spi_;
    const catalog::Table &table_;
    const ArchiveSettings &settings_;
    const sqltext::QualifiedName name_;
    const std::vector<std::string> own_;
    std::map<std::string, std::string>
        renamed_; // the archive's columns: as they are called, and as they are to be
};

} // namespace

void mend_names(pg::Spi &spi, const catalog::Table &table, const ArchiveSettings &settings,
                RebuiltViews &views) {
    NameMender(spi, table, settings).run(views);
}

std::vector<std::string> find_misnamed(pg::Spi &spi, const catalog::Table &table,
                                       const ArchiveSettings &settings) {
    return NameMender(spi, table, settings).find_names();
}

void mend_names_before(Oid relation) {
    if (!pg::owns_relation(relation)) {
        return;
    }
    pg::Spi spi;
    const auto settings = find_settings(spi, relation);
    if (!settings || settings->is_missing) {
        return;
    }
    const catalog::Table table = catalog::get_table_definition(spi, relation);
    RebuiltViews views(spi, table, *settings);
    mend_names(spi, table, *settings, views);
    views.put_up();
}

void put_aside(pg::Spi &spi, const catalog::Table &table, const ArchiveSettings &settings,
               const std::string &column) {
    const std::vector<std::string> there = get_names(read_columns(spi, settings.archive));
    std::string name;
    for (int number = 0; name.empty(); number++) {
        const std::string candidate =
            pg::make_object_name(column, "", registration::numbered("former", number));
        if (!contains(there, candidate) && table.find_column(candidate) == nullptr) {
            name = candidate;
        }
    }
    session::OwnDdlScope own_ddl;
    pg::UserScope owner(table.owner);
    spi.execute(sqltext::format("ALTER TABLE %1% RENAME COLUMN %2% TO %3%",
                                name_beside(table, settings.archive_name), catalog::identifier(column),
                                catalog::identifier(name)));
}

} // namespace softdelete::archive
