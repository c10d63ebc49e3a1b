// Runs the steps of registration, configuration and repair one after the other, marked as DDL of our own, which the
// event triggers leave alone.
#include "registration/run_steps.hpp"

#include "pg/parse_scope.hpp"
#include "pg/scopes.hpp"
#include "session/distributed_scope.hpp"
#include "session/distributed_tables.hpp"
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

struct Owner {
    Oid role;
    std::string hint; // where a partition or child is not his
};

// The table's owner, and the first of its partitions and children that he may not alter.
constexpr const char *owner_query = R"(
    WITH RECURSIVE line (relation) AS (
        SELECT $1::pg_catalog.oid
        UNION SELECT h.inhrelid FROM pg_catalog.pg_inherits h JOIN line l ON h.inhparent = l.relation)
    SELECT o.relowner, 'ALTER TABLE ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
           || ' OWNER TO ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(o.relowner))
    FROM pg_catalog.pg_class o
    LEFT JOIN (line l JOIN pg_catalog.pg_class c ON c.oid = l.relation JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace)
        ON o.relhassubclass AND NOT pg_catalog.pg_has_role(o.relowner, c.relowner, 'USAGE')
    WHERE o.oid = $1::pg_catalog.oid
    ORDER BY c.relname LIMIT 1)";

Owner find_owner(pg::Spi &spi, Oid relation) {
    const pg::Row row = spi.query_kept(owner_query, {relation}).front();
    return {row.oid(0), row.is_null(1) ? ""
                                       : "A partition or child has an owner whose rights the table's owner "
                                         "has not: run "
                                             + row.text(1) + "."};
}

void run(pg::Spi &spi, const std::string &command, const Owner &who) {
    try {
        spi.execute(command);
    } catch (pg::ServerError &error) {
        if (error.sqlstate() == ERRCODE_INSUFFICIENT_PRIVILEGE && !who.hint.empty() && !error.has_hint()) {
            error.set_hint(who.hint);
        }
        throw;
    }
}

} // namespace

void run_steps(pg::Spi &spi, const std::vector<model::Step> &steps) {
    session::OwnDdlScope own_ddl;
    // Steps name the tablespaces that they mean.
    pg::SettingScope settings;
    settings.set("default_tablespace", "");
    const bool is_distributed = std::any_of(steps.begin(), steps.end(), [](const model::Step &step) {
        return pg::call([&] { return session::is_distributed(step.relation); });
    });
    session::DistributedScope distributed(is_distributed);
    std::map<Oid, Owner> owners;
    for (const model::Step &step : steps) {
        if (!step.runs()) {
            continue;
        }
        if (!owners.contains(step.relation)) {
            owners[step.relation] = find_owner(spi, step.relation);
        }
        const Owner &who = owners[step.relation];
        bool needs_help = std::any_of(step.commands.begin(), step.commands.end(), names_include_deleted)
                          && !may_use_schema(spi, who.role);
        pg::UserScope owner(who.role);
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
            run(spi, command, who);
        }
    }
}

void run_steps(pg::Spi &spi, const std::vector<model::Step> &steps, const std::string &key_hint) {
    try {
        run_steps(spi, steps);
    } catch (pg::ServerError &error) {
        if (error.sqlstate() == ERRCODE_UNIQUE_VIOLATION || error.sqlstate() == ERRCODE_EXCLUSION_VIOLATION) {
            error.set_hint(key_hint);
        }
        throw;
    }
}

} // namespace softdelete::registration
