// A disabled rule does nothing; enabling it is DDL on the table.
#include "registration/check_rules.hpp"
#include "sqltext/format.hpp"

#include "catalog/rule_catalog.hpp"
#include "ddl/parse_tree.hpp"
#include "pg/pinned_spi.hpp"
#include "pg/quote.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "utils/lsyscache.h"
}

namespace softdelete::registration {

namespace {

constexpr const char *reason =
    "The rule would rewrite the statements that restore rows or remove them for good as well.";

std::string make_hint(const catalog::Rule &rule) {
    return sqltext::format("Run DROP RULE %1% ON %2%. softdelete does what a rule for soft delete does; for "
                           "anything else use a trigger, or a rule that is DO ALSO.",
                           pg::quote_identifier(rule.name), rule.table);
}

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

const RangeVar *get_ruled_table(const Node *statement) {
    if (IsA(statement, RuleStmt)) {
        return castNode(RuleStmt, const_cast<Node *>(statement))->relation;
    }
    if (IsA(statement, AlterTableStmt)) {
        const auto *alter = castNode(AlterTableStmt, const_cast<Node *>(statement));
        return enables_rule(alter) ? alter->relation : nullptr;
    }
    return nullptr;
}

} // namespace

void check_rules(pg::Spi &spi, const catalog::Table &table, const char *what) {
    if (std::optional<catalog::Rule> rule = catalog::find_replacing_rule(spi, table.member_oids())) {
        pg::raise({ERRCODE_WRONG_OBJECT_TYPE,
                   sqltext::format("cannot %1% table \"%2%\" because rule \"%3%\" replaces %4%", what,
                                   table.name, rule->name, rule->event),
                   reason, make_hint(*rule), rule->relation});
    }
}

void refuse_rule(const Node *statement) {
    const RangeVar *name = get_ruled_table(statement);
    Oid relation = pg::call([&] {
        Oid found = ddl::find_relation(name);
        return OidIsValid(found) && session::is_registered_table(found) ? found : InvalidOid;
    });
    if (!OidIsValid(relation)) {
        return;
    }
    pg::DdlSession session;
    if (std::optional<catalog::Rule> rule = catalog::find_replacing_rule(session.spi(), {relation})) {
        std::string table = pg::call([&] { return get_rel_name(relation); });
        pg::raise({ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   sqltext::format("cannot replace %1% on registered table \"%2%\" by rule \"%3%\"",
                                   rule->event, table, rule->name),
                   reason, "For what else shall happen use a trigger, or a rule that is DO ALSO.", relation});
    }
}

} // namespace softdelete::registration
