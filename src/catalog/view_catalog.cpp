// Finds the relations that have the names of our views, in pg_class. Called where registration decides whether a view
// can be adopted.
#include "catalog/view_catalog.hpp"

namespace softdelete::catalog {

std::optional<ExistingRelation> find_relation(pg::Spi &spi, Oid schema, const std::string &name) {
    auto rows = spi.query_kept(
        "SELECT c.oid, c.relkind, EXISTS (SELECT FROM pg_options_to_table(c.reloptions) o"
        "  WHERE o.option_name = 'security_invoker' AND o.option_value::boolean),"
        " 'security_invoker = true' || coalesce((SELECT string_agg(format(', %I = %L', o.option_name, "
        "o.option_value), '')"
        "  FROM pg_options_to_table(c.reloptions) o WHERE o.option_name <> 'security_invoker'), '')"
        " FROM pg_class c WHERE c.relnamespace = $1::oid AND c.relname = $2::name",
        {schema, name});
    if (rows.empty()) {
        return std::nullopt;
    }
    return ExistingRelation{rows.front().oid(0), rows.front().text(1).front(), rows.front().boolean(2),
                            rows.front().text(3)};
}

bool is_include_deleted(pg::Spi &spi, Oid function) {
    pg::OwnerScope owner(pg::get_extension_owner());
    return spi.query("SELECT $1::oid = 'softdelete.include_deleted'::regproc", {function}).front().boolean(0);
}

std::optional<StrayView> find_view_elsewhere(pg::Spi &spi, Oid table, const std::string &name) {
    auto rows =
        spi.query_kept("SELECT n.nspname, n.oid FROM pg_class t JOIN pg_depend d ON d.refobjid = t.oid"
                       " AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_rewrite'::regclass"
                       " JOIN pg_rewrite r ON r.oid = d.objid AND r.rulename = '_RETURN'"
                       " JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v' AND v.relname = $2::name"
                       " AND v.relnamespace <> t.relnamespace AND v.relowner = t.relowner"
                       " JOIN pg_namespace n ON n.oid = v.relnamespace WHERE t.oid = $1::oid LIMIT 1",
                       {table, name});
    if (rows.empty()) {
        return std::nullopt;
    }
    return StrayView{*find_relation(spi, rows.front().oid(1), name), rows.front().text(0)};
}

} // namespace softdelete::catalog
