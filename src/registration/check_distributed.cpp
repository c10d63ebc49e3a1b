// Asked before a step is planned. Each refusal names what Citus, or softdelete on it, cannot do.
#include "registration/check_distributed.hpp"

#include "catalog/quoting.hpp"
#include "registration/parse_options.hpp"
#include "session/distributed_tables.hpp"
#include "settings.hpp"

namespace softdelete::registration {

namespace {

[[noreturn]] void refuse(const catalog::Table &table, const std::string &message, const std::string &hint) {
    pg::raise({.sqlstate = ERRCODE_FEATURE_NOT_SUPPORTED,
               .message = message,
               .detail = "Table \"" + table.name + "\" is a table of Citus.",
               .hint = hint,
               .relation = table.oid});
}

// A time without zone is that of each node's session.
constexpr const char *without_zone_query =
    "SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1::pg_catalog.oid AND a.attname = "
    "$2::pg_catalog.name AND NOT a.attisdropped AND a.atttypid <> "
    "'pg_catalog.timestamptz'::pg_catalog.regtype";

// Citus opens connections to the nodes as the role that runs a command, which is the owner here.
constexpr const char *no_login_query =
    "SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_roles r ON r.oid = c.relowner"
    " WHERE c.oid = $1::pg_catalog.oid AND NOT r.rolcanlogin";

// Its check at the end of the transaction goes by the key's name, which is another one for each shard.
constexpr const char *deferrable_query =
    "SELECT FROM pg_catalog.pg_constraint WHERE confrelid = $1::pg_catalog.oid AND contype = 'f' AND "
    "condeferrable AND confdeltype = 'a'";

void check(pg::Spi &spi, const RegisterRequest &request, const catalog::Table &table) {
    if (settings::node_secret() == nullptr) {
        pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   .message = "softdelete.node_secret is not set",
                   .detail = "By it the nodes of Citus know each other's deletions.",
                   .hint = "Set it to one secret in the configuration files of all nodes, and reload them.",
                   .relation = table.oid});
    }
    if (get_visibility(request.visibility) == model::Visibility::rls) {
        refuse(table, "visibility rls is not available for tables of Citus",
               "Citus makes restrictive policies permissive on other nodes. Use visibility filter.");
    }
    if (request.retention) {
        refuse(table, "retention is not available for tables of Citus",
               "Register the table without: its deleted rows are kept.");
    }
    if (!spi.query(without_zone_query, {table.oid, request.deleted_at}).empty()) {
        refuse(table, "column \"" + request.deleted_at + "\" must be of type timestamp with time zone",
               "Change its type, or give the name of another column.");
    }
    if (!spi.query(no_login_query, {table.oid}).empty()) {
        pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   .message = "the owner of table \"" + table.name + "\" must be able to log in",
                   .detail = "Citus opens connections to the nodes as that role.",
                   .hint = "Run ALTER ROLE ... LOGIN, or give the table to another owner.",
                   .relation = table.oid});
    }
    if (!spi.query(deferrable_query, {table.oid}).empty()) {
        refuse(table,
               "deferrable foreign keys with NO ACTION to registered tables are not available on Citus",
               "Make the key not deferrable.");
    }
}

} // namespace

void check_distributed(pg::Spi &spi, const RegisterRequest &request,
                       const std::vector<catalog::Table> &tables) {
    for (const catalog::Table &table : tables) {
        if (pg::call([&] { return session::is_distributed(table.oid); })) {
            check(spi, request, table);
        }
    }
}

} // namespace softdelete::registration
