// The part of registration that analyzes the new columns. Without statistics the planner takes one row in two hundred
// for one whose deleted_at is null, and adding a column is no reason for autovacuum to analyze the table.
#include "catalog/quoting.hpp"
#include "catalog/table_catalog.hpp"
#include "registration/plan_parts.hpp"
#include "sqltext/table_statements.hpp"

namespace softdelete::registration {

void plan_statistics(TableWork &work) {
    const std::vector<std::string> names = {work.settings().deleted_at, deletion_id_column};
    std::vector<sqltext::Identifier> columns;
    for (const std::string &name : names) {
        columns.push_back(catalog::identifier(name));
    }
    for (const catalog::Member &member : work.table.members) {
        // ANALYZE of a partitioned table goes on to its partitions, that of a parent does not go on to its children.
        if (!member.is_partition && !catalog::has_statistics(work.spi, member, names)) {
            work.add_online(model::Action::alter, member.oid, "statistics",
                            sqltext::analyze(member.qualified, columns));
        }
    }
}

} // namespace softdelete::registration
