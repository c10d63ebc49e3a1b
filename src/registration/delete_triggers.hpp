// Triggers of the user for DELETE, which a soft delete does not fire and the purge does, and for UPDATE, which it fires: what
// to write instead.
#pragma once

#include "catalog/table_catalog.hpp"
#include "sqltext/fragments.hpp"

#include <string>

namespace softdelete::registration {

// What stands in for a trigger for DELETE, as one text of statements: a trigger for the soft delete, one for the restore
// where the table has a trigger for INSERT to take its function from, and the old one with a condition that keeps it quiet
// when deleted rows are purged.
sqltext::Statement make_equivalents(const catalog::DeleteTrigger &trigger,
                                    const sqltext::QualifiedName &table, const std::string &deleted_at);

// What its function has to know.
std::string soft_trigger_advice(const catalog::DeleteTrigger &trigger);

// The trigger with a condition that keeps it out of soft deletes and restores; empty where none can be written.
sqltext::Statement make_quiet(const catalog::UpdateTrigger &trigger, const std::string &deleted_at);

} // namespace softdelete::registration
