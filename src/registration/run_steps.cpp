// Runs the steps of registration, configuration and repair one after the other, marked as DDL of our own, which the
// event triggers leave alone.
#include "registration/run_steps.hpp"

#include "pg/parse_scope.hpp"
#include "pg/scopes.hpp"
#include "session/utility_commands.hpp"

#include <algorithm>
#include <map>
#include <optional>

namespace softdelete::registration {

namespace {

// The view of all rows names it: in a hardened database its owner may have no privilege on the schema.
bool names_include_deleted(const std::string &command) {
    return command.find("softdelete.include_deleted(") != std::string::npos;
}

bool may_use_schema(pg::Spi &spi, Oid role) {
    return spi
        .query_kept("SELECT pg_catalog.has_schema_privilege($1::pg_catalog.oid, 'softdelete', 'USAGE')",
                    {role})
        .front()
        .boolean(0);
}

} // namespace

void run_steps(pg::Spi &spi, const std::vector<model::Step> &steps) {
    session::OwnDdlScope own_ddl;
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
                spi.query_kept("SELECT relowner FROM pg_catalog.pg_class WHERE oid = $1::pg_catalog.oid",
                               {step.relation})
                    .front()
                    .oid(0);
        }
        bool needs_help = std::any_of(step.commands.begin(), step.commands.end(), names_include_deleted)
                          && !may_use_schema(spi, owners[step.relation]);
        pg::UserScope owner(owners[step.relation]);
        pg::SettingScope messages;
        if (step.object == "statistics") {
            // Not of interest: extended statistics are left as they are where not all of their columns are analyzed.
            messages.set("client_min_messages", "error");
        }
        for (const std::string &command : step.commands) {
            std::optional<pg::ParsedByExtensionScope> parsing;
            if (needs_help && names_include_deleted(command)) {
                parsing.emplace();
            }
            spi.execute(command);
        }
    }
}

} // namespace softdelete::registration
