// repair() as users call it.
#pragma once

#include "catalog/table_catalog.hpp"
#include "model/step.hpp"
#include "pg/boundary.hpp"
#include "pg/spi.hpp"

#include <functional>
#include <string>
#include <vector>

namespace softdelete::registration {

// First what only DDL that ran without event triggers leaves: views that did not follow their table to a new owner,
// indexes under other names, triggers of foreign keys that are gone. Then repair_table(). Warns where event triggers do
// not fire now. Errors: those of repair_table().
std::vector<model::Step> mend_table(Oid relation);

// Gives views under these names that belong to somebody else to the owner of the table, as an administrator: the former owner
// need not be at hand. Only those that is_own() takes for views of the table and nothing else: the new owner is to get
// nothing that somebody else wrote.
std::vector<model::Step> give_views(pg::Spi &spi, const catalog::Table &table,
                                    const std::vector<std::string> &names,
                                    const std::function<bool(Oid)> &is_own);

} // namespace softdelete::registration
