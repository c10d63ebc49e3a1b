// Event triggers call this after CREATE RULE and ALTER TABLE. registration/check_rules refuses tables that have such
// rules already. A disabled rule does nothing, so that it is refused when it is enabled.
#include "ddl/refuse_rules.hpp"

#include "catalog/rule_catalog.hpp"
#include "catalog/table_info.hpp"
#include "ddl/parse_tree.hpp"
#include "model/trigger_names.hpp"
#include "pg/spi.hpp"
#include "registration/check_rules.hpp"
#include "session/registered_table.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
}

namespace softdelete::ddl {

namespace {

bool enables_rule(const AlterTableStmt *alter) {
    ListCell *cell;
    foreach (cell, alter->cmds) {
        AlterTableType kind = lfirst_node(AlterTableCmd, cell)->subtype;
        if (kind == AT_EnableRule || kind == AT_EnableAlwaysRule || kind == AT_EnableReplicaRule) {
            return true;
        }
    }
    return false;
}

bool brings_rule(Node *node) {
    return IsA(node, RuleStmt) || (IsA(node, AlterTableStmt) && enables_rule(castNode(AlterTableStmt, node)));
}

void refuse_insert_rule(pg::Spi &spi, Oid relation) {
    std::optional<catalog::Rule> rule = catalog::find_insert_rule(spi, relation);
    if (rule && catalog::get_table(spi, relation).is_archived()) {
        std::string table = pg::call([&] { return get_rel_name(relation); });
        pg::raise({ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   sqltext::format("table \"%1%\" has an archive and cannot have rule \"%2%\" for INSERT",
                                   table, rule->name),
                   catalog::insert_rule_reason, "Use a trigger instead.", relation});
    }
}

} // namespace

void refuse_rule(const DdlCommand &command) {
    Oid relation = command.relation;
    if (!brings_rule(command.node) || !OidIsValid(relation) || !pg::call([&] {
            return session::is_registered_table(relation)
                   || session::has_trigger(relation, model::archive_trigger);
        })) {
        return;
    }
    pg::Spi spi;
    refuse_insert_rule(spi, relation);
    if (std::optional<catalog::Rule> rule = catalog::find_replacing_rule(spi, {relation})) {
        std::string table = pg::call([&] { return get_rel_name(relation); });
        pg::raise({ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   sqltext::format("cannot replace %1% on registered table \"%2%\" by rule \"%3%\"",
                                   rule->event, table, rule->name),
                   registration::replacing_rule_reason,
                   "For what else shall happen use a trigger, or a rule that is DO ALSO.", relation});
    }
}

} // namespace softdelete::ddl
