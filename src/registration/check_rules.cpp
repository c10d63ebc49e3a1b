// Refuses to register or attach a table that has a rule which replaces DELETE or UPDATE, and an archive for one with a rule
// for INSERT. Called by registration/lock_table, ddl/take_on_member and archive/; rules that come later are refused by
// ddl/refuse_rules.
#include "registration/check_rules.hpp"
#include "sqltext/format.hpp"

#include "catalog/rule_catalog.hpp"
#include "pg/quote.hpp"

namespace softdelete::registration {

namespace {

std::string make_hint(const catalog::Rule &rule) {
    return sqltext::format("Run DROP RULE %1% ON %2%. softdelete does what a rule for soft delete does; for "
                           "anything else use a trigger, or a rule that is DO ALSO.",
                           pg::quote_identifier(rule.name), rule.table);
}

} // namespace

void check_rules(pg::Spi &spi, const catalog::Table &table, const char *what) {
    if (std::optional<catalog::Rule> rule = catalog::find_replacing_rule(spi, table.member_oids())) {
        pg::raise({ERRCODE_WRONG_OBJECT_TYPE,
                   sqltext::format("cannot %1% table \"%2%\" because rule \"%3%\" replaces %4%", what,
                                   table.name, rule->name, rule->event),
                   replacing_rule_reason, make_hint(*rule), rule->relation});
    }
}

void check_insert_rules(pg::Spi &spi, const catalog::Table &table) {
    if (std::optional<catalog::Rule> rule = catalog::find_insert_rule(spi, table.oid)) {
        pg::raise({ERRCODE_FEATURE_NOT_SUPPORTED,
                   sqltext::format("cannot give table \"%1%\" an archive, because it has rule \"%2%\" for "
                                   "INSERT",
                                   table.name, rule->name),
                   catalog::insert_rule_reason,
                   sqltext::format("Run DROP RULE %1% ON %2%, and use a trigger instead; or use strategy => "
                                   "'flag'.",
                                   pg::quote_identifier(rule->name), rule->table),
                   rule->relation});
    }
}

} // namespace softdelete::registration
