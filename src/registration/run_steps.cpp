// Runs steps.
#include "registration/run_steps.hpp"

#include "pg/scopes.hpp"

#include <map>

namespace softdelete::registration {

namespace {

int own_ddl_depth = 0;

} // namespace

OwnDdlScope::OwnDdlScope() {
    own_ddl_depth++;
}

OwnDdlScope::~OwnDdlScope() {
    own_ddl_depth--;
}

bool OwnDdlScope::is_active() noexcept {
    return own_ddl_depth > 0;
}

void run_steps(pg::Spi &spi, const std::vector<model::Step> &steps) {
    OwnDdlScope own_ddl;
    // Steps name the tablespaces that they mean.
    pg::SettingScope settings;
    settings.set("default_tablespace", "");
    std::map<Oid, Oid> owners;
    for (const model::Step &step : steps) {
        if (!step.runs()) {
            continue;
        }
        if (!owners.contains(step.relation)) {
            owners[step.relation] =
                spi.query("SELECT relowner FROM pg_catalog.pg_class WHERE oid = $1::pg_catalog.oid",
                          {step.relation})
                    .front()
                    .oid(0);
        }
        pg::UserScope owner(owners[step.relation]);
        for (const std::string &command : step.commands) {
            spi.execute(command);
        }
    }
}

} // namespace softdelete::registration
