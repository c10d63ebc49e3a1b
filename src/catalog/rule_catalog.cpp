// Finds rules that replace DELETE or UPDATE of a table, in pg_rewrite. Called by registration/check_rules and
// ddl/refuse_rules, which refuse them.
#include "catalog/rule_catalog.hpp"

namespace softdelete::catalog {

std::optional<Rule> find_replacing_rule(pg::Spi &spi, const std::vector<Oid> &relations) {
    std::vector<std::string> oids;
    for (Oid relation : relations) {
        oids.push_back(std::to_string(relation));
    }
    auto rows = spi.query("SELECT r.ev_class, pg_catalog.format('%I.%I', n.nspname, c.relname),"
                          " r.rulename,"
                          " CASE r.ev_type WHEN '2' THEN 'UPDATE' ELSE 'DELETE' END"
                          " FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class"
                          " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                          " WHERE r.ev_class = ANY (CAST($1 AS pg_catalog.oid[])) AND r.is_instead"
                          " AND r.ev_type IN ('2', '4') AND r.ev_enabled <> 'D'"
                          " ORDER BY r.ev_type DESC, r.rulename, r.ev_class LIMIT 1",
                          {pg::make_array(oids)});
    if (rows.empty()) {
        return std::nullopt;
    }
    return Rule{rows.front().oid(0), rows.front().text(1), rows.front().text(2), rows.front().text(3)};
}

} // namespace softdelete::catalog
