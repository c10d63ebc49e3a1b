// Looks at what repair() of a table with an archive brings about, without running anything. Called by check().
#include "archive/archive_gaps.hpp"

#include "archive/archive_readers.hpp"
#include "archive/mend_names.hpp"
#include "catalog/quoting.hpp"
#include "catalog/view_catalog.hpp"

#include <algorithm>

namespace softdelete::archive {

namespace {

constexpr const char *unsecured_query = R"(
    SELECT FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid) p
    JOIN pg_catalog.pg_class c ON c.oid = p.relid AND NOT c.relrowsecurity)";

class GapFinder {
public:
    GapFinder(pg::Spi &spi, const catalog::Table &table, ArchiveSettings settings)
        : spi_(spi)
        , table_(table)
        , settings_(std::move(settings))
        , columns_(read_columns(spi, table.oid)) {}

    std::vector<std::string> run() {
        find_columns();
        find_objects();
        find_views();
        if (table_.has_row_security && !spi_.query(unsecured_query, {settings_.archive}).empty()) {
            add("row security of the archive");
        }
        return std::move(gaps_);
    }

private:
    void add(const std::string &object) {
        if (std::find(gaps_.begin(), gaps_.end(), object) == gaps_.end()) {
            gaps_.push_back(object);
        }
    }

    void find_columns() {
        const std::vector<ArchiveColumn> there = read_columns(spi_, settings_.archive);
        for (const std::string &name : find_misnamed(spi_, table_, settings_)) {
            add("column " + catalog::identifier(name).text() + " of the archive");
        }
        for (const ArchiveColumn &column : columns_) {
            bool is_there = std::any_of(there.begin(), there.end(), [&](const ArchiveColumn &archived) {
                return archived.definition == column.definition;
            });
            if (!is_there) {
                add("column " + column.quoted.text() + " of the archive");
            }
        }
        for (const std::string &name : get_own_columns(settings_)) {
            bool is_there = std::any_of(there.begin(), there.end(),
                                        [&](const ArchiveColumn &archived) { return archived.name == name; });
            if (!is_there) {
                add("column " + catalog::identifier(name).text() + " of the archive");
            }
        }
    }

    void find_objects() {
        ArchiveWork work = {spi_, table_, settings_};
        plan_triggers(work);
        plan_guards(work);
        plan_readers(work);
        for (const model::Step &step : work.steps) {
            add(step.object);
        }
    }

    void find_views() {
        for (const ViewDefinition &view : make_views(table_, settings_, columns_)) {
            auto existing = catalog::find_relation(table_.schema_oid, view.name);
            bool is_right = existing && existing->kind == 'v'
                            && shows_exactly(read_view_columns(spi_, existing->oid), view.columns);
            if (!is_right) {
                add("view " + catalog::identifier(view.name).text());
            }
        }
    }

    pg::Spi &spi_;
    const catalog::Table &table_;
    const ArchiveSettings settings_;
    const std::vector<ArchiveColumn> columns_;
    std::vector<std::string> gaps_;
};

} // namespace

std::vector<std::string> find_former_columns(pg::Spi &spi, const catalog::Table &table) {
    const auto settings = find_settings(spi, table.oid);
    std::vector<std::string> names;
    if (!settings || settings->is_missing || !find_misnamed(spi, table, *settings).empty()) {
        return names;
    }
    const std::vector<std::string> own = get_own_columns(*settings);
    for (const ArchiveColumn &column : read_columns(spi, settings->archive)) {
        if (table.find_column(column.name) == nullptr
            && std::find(own.begin(), own.end(), column.name) == own.end()) {
            names.push_back(column.name);
        }
    }
    return names;
}

std::vector<std::string> find_gaps(pg::Spi &spi, const catalog::Table &table) {
    auto settings = find_settings(spi, table.oid);
    return !settings || settings->is_missing ? std::vector<std::string>()
                                             : GapFinder(spi, table, *settings).run();
}

} // namespace softdelete::archive
