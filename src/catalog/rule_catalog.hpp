// Rewrite rules of the user's, read from the system catalogs.
#pragma once

#include "pg/spi.hpp"

#include <optional>
#include <string>
#include <vector>

namespace softdelete::catalog {

struct Rule {
    Oid relation;
    std::string table; // qualified and quoted
    std::string name;
    std::string event; // DELETE, INSERT or UPDATE
};

// The first enabled rule on one of these tables that puts something else, or nothing, in the place of a DELETE or UPDATE.
std::optional<Rule> find_replacing_rule(pg::Spi &spi, const std::vector<Oid> &relations);

// The first enabled rule for INSERT on the table.
std::optional<Rule> find_insert_rule(pg::Spi &spi, Oid relation);

// Why a table with an archive cannot have one: a whole sentence.
inline constexpr const char *insert_rule_reason =
    "Archived rows come back by a statement that moves them, which the server cannot rewrite by a rule.";

} // namespace softdelete::catalog
