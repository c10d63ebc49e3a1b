// The triggers by which foreign keys between tables see soft deletes: which there have to be, which there are.
#pragma once

#include "catalog/table_info.hpp"
#include "model/step.hpp"

#include <map>
#include <string>
#include <vector>

namespace softdelete::registration {

// Tables seen as registered, whether or not the registry knows them yet, with their deletion columns (quoted).
using RegisteredTables = std::map<Oid, std::string>;

// The steps that create or replace what is missing for the foreign keys that these tables and their inheritance children
// have and that reference them, and drop what stood for keys that are gone.
std::vector<model::Step> plan_links(pg::Spi &spi, const RegisteredTables &tables);

// The same for one table, registered or not.
std::vector<model::Step> plan_own_links(pg::Spi &spi, Oid relation);

// The steps that drop or replace triggers when the table and its inheritance children are no longer registered.
std::vector<model::Step> plan_unlinks(pg::Spi &spi, Oid relation);

} // namespace softdelete::registration
