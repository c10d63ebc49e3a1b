// Runs steps.
#include "commands/run_steps.hpp"

#include "catalog/table_info.hpp"

#include "pg/scopes.hpp"

namespace softdelete::commands {

namespace {

int own_ddl_depth = 0;

// Triggers of foreign keys stand on tables that reference the ones at hand as well.
Oid get_owner(pg::Spi &spi, const std::vector<catalog::Table> &tables, Oid relation) {
    for (const catalog::Table &table : tables) {
        if (table.find_member(relation) != nullptr) {
            return table.owner;
        }
    }
    return catalog::get_table(spi, relation).owner;
}

} // namespace

OwnDdlScope::OwnDdlScope() { own_ddl_depth++; }
OwnDdlScope::~OwnDdlScope() { own_ddl_depth--; }
bool OwnDdlScope::is_active() noexcept { return own_ddl_depth > 0; }

void run_steps(pg::Spi &spi, const std::vector<catalog::Table> &tables,
               const std::vector<model::Step> &steps) {
    OwnDdlScope own_ddl;
    for (const model::Step &step : steps) {
        if (step.runs()) {
            pg::UserScope owner(get_owner(spi, tables, step.relation));
            spi.execute(step.command);
        }
    }
}

} // namespace softdelete::commands
