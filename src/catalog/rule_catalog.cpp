// Finds rules of the user's that stand in our way, in pg_rewrite. Called by registration/check_rules and ddl/refuse_rules, which
// refuse them, and by restore/move_back.
#include "catalog/rule_catalog.hpp"

#include "sqltext/format.hpp"

namespace softdelete::catalog {

namespace {

constexpr const char *rules_query = R"(
    SELECT r.ev_class, pg_catalog.format('%%I.%%I', n.nspname, c.relname), r.rulename,
           CASE r.ev_type WHEN '2' THEN 'UPDATE' WHEN '3' THEN 'INSERT' ELSE 'DELETE' END
    FROM pg_catalog.pg_rewrite r
    JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE r.ev_class = ANY (CAST($1 AS pg_catalog.oid[])) AND r.ev_enabled <> 'D' AND %1%
    ORDER BY r.ev_type DESC, r.rulename, r.ev_class LIMIT 1)";

std::optional<Rule> find_rule(pg::Spi &spi, const std::vector<Oid> &relations, const char *condition) {
    std::vector<std::string> oids;
    for (Oid relation : relations) {
        oids.push_back(std::to_string(relation));
    }
    pg::Rows rows = spi.query(sqltext::format(rules_query, condition), {pg::make_array(oids)});
    if (rows.empty()) {
        return std::nullopt;
    }
    return Rule{rows.front().oid(0), rows.front().text(1), rows.front().text(2), rows.front().text(3)};
}

} // namespace

std::optional<Rule> find_replacing_rule(pg::Spi &spi, const std::vector<Oid> &relations) {
    return find_rule(spi, relations, "r.is_instead AND r.ev_type IN ('2', '4')");
}

std::optional<Rule> find_insert_rule(pg::Spi &spi, Oid relation) {
    return find_rule(spi, {relation}, "r.ev_type = '3'");
}

} // namespace softdelete::catalog
