// Row-security policies of a table, read from the system catalogs, and our record of the tables that carry ours.
#pragma once

#include "pg/spi.hpp"

#include <optional>
#include <string>
#include <vector>

namespace softdelete::catalog {

struct Policy {
    std::string name;
    bool is_permissive;
    char command;          // pg_policy.polcmd, '*' for all
    bool is_public;        // for all roles
    std::string condition; // USING as pg_get_expr() says it; empty where there is none
    std::string check;     // WITH CHECK likewise
    bool mentions_column;  // the one asked for
    bool has_subquery;     // in either

    bool is_ours() const;
};

struct RowSecurity {
    bool is_enabled;
    std::vector<Policy> policies;

    const Policy *find(const std::string &name) const;
    bool has_users_policy() const;
    bool has_users_permissive_policy() const;
    bool has_subquery() const; // in any policy
};

// column: whose mention is of interest.
RowSecurity read_row_security(pg::Spi &spi, Oid relation, const std::string &column);

} // namespace softdelete::catalog
