// unregister().
#pragma once

#include "catalog/table_catalog.hpp"
#include "model/step.hpp"
#include "pg/boundary.hpp"
#include "registration/column_dependents.hpp"
#include "registry/registry.hpp"

#include <string>
#include <vector>

namespace softdelete::registration {

// Takes back what register() did, and returns the steps. deleted_rows: refuse, keep or purge. Locks the table ACCESS
// EXCLUSIVE; acts as its owner.
// Errors: 42501 not the owner; 55000 not registered, or deleted rows that are to be refused; 22023 unknown option;
// 23505 where kept deleted rows break a unique constraint; 2BP01 where something depends on the views or the columns that go.
std::vector<model::Step> unregister_table(Oid relation, const std::string &deleted_rows,
                                          EndingColumns ending = EndingColumns::added);

// The same, as it is done where no deleted rows are left; changes nothing. The caller has locked the table. Errors: 2BP01 as above.
std::vector<model::Step> plan_unregistration(pg::Spi &spi, const catalog::Table &table,
                                             const registry::Registration &registration,
                                             EndingColumns ending);

// 55000 where a hold is in force on rows of the table or of its archive: nothing would keep them from going any more. The
// caller has locked the holds.
void check_holds(pg::Spi &spi, const catalog::Table &table);

} // namespace softdelete::registration
