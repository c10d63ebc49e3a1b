// Triggers of the user for DELETE, which a soft delete does not fire.
#pragma once

#include "catalog/table_catalog.hpp"
#include "sqltext/fragments.hpp"

#include <string>

namespace softdelete::registration {

// CREATE TRIGGER for one that a soft delete fires instead.
sqltext::Statement make_soft_trigger(const catalog::DeleteTrigger &trigger,
                                     const sqltext::QualifiedName &table, const std::string &deleted_at);

// What its function has to know.
std::string soft_trigger_advice(const catalog::DeleteTrigger &trigger);

} // namespace softdelete::registration
