// With what values of a setting sessions of this database begin, whatever the session that asks has set.
#pragma once

#include "pg/spi.hpp"

#include <optional>
#include <string>
#include <vector>

namespace softdelete::checkup {

struct InitialValue {
    // Where the value in force is set. The later ones win over the earlier ones.
    enum class Place { configuration, all_roles, database, role, role_in_database };
    Place place;
    std::string role; // a name, for the last two
    std::string value;
};

// First the value for roles that have none of their own, then those that have, by name. Nothing where the server has no
// such setting. Errors: 42501 where the role in force may not read it.
std::vector<InitialValue> read_initial_values(pg::Spi &spi, const std::string &setting);

// What the configuration's files say, which need not be in force yet; nothing where they say nothing.
std::optional<std::string> read_configuration(pg::Spi &spi, const std::string &setting);

// The extension's name in lists of libraries.
inline constexpr const char *library = "softdelete";

// A list of libraries with the extension's, as SET takes it.
std::string add_library(const std::string &list);

} // namespace softdelete::checkup
