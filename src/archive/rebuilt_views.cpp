// As DDL of ours, as the owner of the table. What is said of columns that the views will not have is left out.
#include "archive/rebuilt_views.hpp"

#include "archive/archive_definition.hpp"
#include "catalog/view_catalog.hpp"
#include "pg/scopes.hpp"
#include "session/utility_commands.hpp"
#include "sqltext/table_statements.hpp"

#include <algorithm>

namespace softdelete::archive {

void RebuiltViews::drop(const std::string &view) {
    auto existing = catalog::find_relation(table_.schema_oid, view);
    if (!existing || existing->kind != 'v') {
        return;
    }
    std::vector<std::string> gone = read_view_columns(spi_, existing->oid);
    for (const ViewDefinition &wanted : make_views(table_, settings_, read_columns(spi_, table_.oid))) {
        if (wanted.name == view) {
            std::erase_if(gone, [&](const std::string &name) {
                return std::find(wanted.columns.begin(), wanted.columns.end(), name) != wanted.columns.end();
            });
        }
    }
    for (catalog::ViewProperty &property :
         catalog::get_view_properties(spi_, existing->oid, table_.oid, gone)) {
        properties_.push_back(std::move(property));
    }
    down_.push_back(view);
    pg::UserScope owner(table_.owner);
    spi_.execute(sqltext::drop_view(name_beside(table_, view)).text());
}

void RebuiltViews::take_down() {
    if (is_done_) {
        return;
    }
    is_done_ = true;
    session::OwnDdlScope own_ddl;
    for (const std::string &view : {settings_.all_view, settings_.deleted_view, settings_.active_view}) {
        drop(view);
    }
}

void RebuiltViews::put_up() {
    session::OwnDdlScope own_ddl;
    for (const ViewDefinition &view : make_views(table_, settings_, read_columns(spi_, table_.oid))) {
        if (std::find(down_.begin(), down_.end(), view.name) != down_.end()) {
            pg::UserScope owner(table_.owner);
            spi_.execute(make_view(table_, view));
            catalog::revoke_default_privileges(spi_,
                                               catalog::find_relation(table_.schema_oid, view.name)->oid);
        }
    }
    for (const catalog::ViewProperty &property : properties_) {
        pg::UserScope role(OidIsValid(property.role) ? property.role : table_.owner);
        spi_.execute(property.command);
    }
    down_.clear();
    properties_.clear();
    is_done_ = false;
}

bool shows_exactly(const std::vector<std::string> &shown, const std::vector<std::string> &wanted) {
    return shown.size() == wanted.size() && std::is_permutation(shown.begin(), shown.end(), wanted.begin());
}

} // namespace softdelete::archive
