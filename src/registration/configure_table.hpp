// configure().
#pragma once

#include "model/step.hpp"
#include "pg/boundary.hpp"

#include <optional>
#include <string>
#include <vector>

namespace softdelete::registration {

// The arguments of configure(): what is not given stays.
struct ConfigureRequest {
    Oid relation;
    std::optional<std::string> retention;
    std::optional<bool> keep_forever;
    std::optional<std::string> visibility;
    std::optional<std::string> indexes;
    std::optional<std::vector<std::string>> admin_roles;
    std::optional<std::string> on_expiry;
    std::optional<std::string> strategy =
        {}; // archive/change_strategy, by which configure_table() is called then
};

// Changes how a table is registered and returns the steps. Locks the table ACCESS EXCLUSIVE where indexes or triggers
// change, else ACCESS SHARE.
// Errors: 42501 not the owner; 55000 not registered; 22023 nothing to change, or contradictory or unknown options;
// 42704 unknown role; 0A000 not supported.
std::vector<model::Step> configure_table(const ConfigureRequest &request);

} // namespace softdelete::registration
