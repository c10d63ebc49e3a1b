// register() and plan().
#pragma once

#include "model/step.hpp"
#include "pg/boundary.hpp"

#include <optional>
#include <string>
#include <vector>

namespace softdelete::registration {

// The arguments of register() as they were given.
struct RegisterRequest {
    Oid relation;
    std::optional<std::string> retention;
    std::string strategy;
    std::string visibility;
    bool cascade;
    std::optional<std::string> indexes;
    std::string deleted_at;
    std::optional<std::string> deleted_by;
    std::vector<std::string> admin_roles;
    std::optional<std::string> active_view;
    std::optional<std::string> deleted_view;
    std::optional<std::string> all_view;
    std::string on_expiry; // of the named table
    bool all_referencing;
    std::vector<Oid> archived =
        {}; // tables that get an archive together with it, by archive/register_by_strategy
    bool follows_archive = false; // a plan alone: the registration with an archive ends first, with its views
};

// Raises 22023 for unknown options and 0A000 for those that are not supported.
void check_flag_options(const RegisterRequest &request);

// The tables that come along with the parent, as the request has it. One that cannot be registered, as tables of it inherit from
// others as well, is left out: a warning says so.
std::vector<Oid> find_tables_to_register(pg::Spi &spi, const RegisterRequest &request, Oid parent);

// Takes on the table with the strategy flag, with cascade all that reference it by ON DELETE CASCADE as well, with all_referencing those by any
// other action too, to any depth, and returns what was done.
// Locks them ACCESS EXCLUSIVE. Acts as their owners.
// Errors: 42501 not the owner; 42809 not a table that can be registered; 42710 registered already; 22023, 22004 and
// 0A000 for options; 42804, 42611 a column that does not fit; 42P07 a view's name is taken; 55000 library not loaded.
std::vector<model::Step> register_table(const RegisterRequest &request);

// The steps that register_table() would take; changes nothing. Locks the tables ACCESS SHARE. The same errors.
std::vector<model::Step> plan_registration(const RegisterRequest &request);

} // namespace softdelete::registration
