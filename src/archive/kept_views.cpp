// Reads them as long as the views are there. Called by archive/change_strategy and archive/between.
#include "archive/kept_views.hpp"

#include "catalog/view_catalog.hpp"
#include "pg/scopes.hpp"
#include "session/utility_commands.hpp"

#include <algorithm>

namespace softdelete::archive {

namespace {

// The columns of a view that the one which comes in its place has not.
std::vector<std::string> find_lost_columns(pg::Spi &spi, Oid view, const std::string &name,
                                           const std::vector<ViewDefinition> &coming) {
    auto next =
        std::find_if(coming.begin(), coming.end(), [&](const auto &other) { return other.name == name; });
    if (next == coming.end()) {
        return {};
    }
    std::vector<std::string> lost = read_view_columns(spi, view);
    std::erase_if(lost, [&](const std::string &column) {
        return std::find(next->columns.begin(), next->columns.end(), column) != next->columns.end();
    });
    return lost;
}

} // namespace

KeptViews::KeptViews(pg::Spi &spi, const catalog::Table &table, const ArchiveSettings &settings,
                     const std::vector<ViewDefinition> &coming)
    : spi_(spi)
    , table_(table)
    , views_({settings.active_view, settings.deleted_view, settings.all_view}) {
    for (const std::string &view : views_) {
        auto existing = catalog::find_relation(table_.schema_oid, view);
        if (existing && existing->kind == 'v') {
            for (catalog::ViewProperty &property : catalog::get_view_properties(
                     spi_, existing->oid, table_.oid, find_lost_columns(spi_, existing->oid, view, coming))) {
                properties_.push_back(std::move(property));
            }
        }
    }
}

void KeptViews::give_back() {
    session::OwnDdlScope own_ddl;
    for (const std::string &view : views_) {
        auto existing = catalog::find_relation(table_.schema_oid, view);
        if (existing) {
            pg::UserScope owner(table_.owner);
            catalog::revoke_default_privileges(spi_, existing->oid);
        }
    }
    for (const catalog::ViewProperty &property : properties_) {
        pg::UserScope role(OidIsValid(property.role) ? property.role : table_.owner);
        spi_.execute(property.command);
    }
}

} // namespace softdelete::archive
