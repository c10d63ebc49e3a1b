// Reads what a view has beside its query: grants, comments, options, owner. Called by ddl/follow_views before a view is
// dropped, and by registration and archive, which make one anew. Privileges are granted again by those who granted them,
// the owner's own grants first.
#include "catalog/view_properties.hpp"

namespace softdelete::catalog {

namespace {

constexpr const char *properties_query = R"(
    WITH v AS (SELECT c.*, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name FROM pg_catalog.pg_class c
               JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::pg_catalog.oid),
    a AS (SELECT a.*, pg_catalog.quote_ident(a.attname) AS name FROM v
          JOIN pg_catalog.pg_attribute a ON a.attrelid = v.oid AND NOT a.attisdropped AND a.attnum > 0
          WHERE a.attname <> ALL ($2::pg_catalog.name[])),
    granted AS (
        SELECT '' AS columns, x.* FROM v CROSS JOIN LATERAL pg_catalog.aclexplode(v.relacl) WITH ORDINALITY AS x
        UNION ALL
        SELECT ' (' || a.name || ')', x.* FROM a CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) WITH ORDINALITY AS x)
    SELECT p.role, p.command FROM (
        SELECT 1, 0, 0 AS role, pg_catalog.format('ALTER VIEW %s SET (%s)', name,
                                                  pg_catalog.array_to_string(reloptions, ', '))
        FROM v WHERE reloptions IS NOT NULL
        UNION ALL
        SELECT 2, 0, 0, pg_catalog.format('REVOKE ALL ON %s FROM %I', name, pg_catalog.pg_get_userbyid(relowner))
        FROM v WHERE relacl IS NOT NULL
        UNION ALL
        SELECT CASE WHEN g.grantor = v.relowner THEN 3 ELSE 4 END, g.ordinality,
               CASE WHEN g.grantor = v.relowner THEN 0 ELSE g.grantor END,
               pg_catalog.format('GRANT %s%s ON %s TO %s%s', g.privilege_type, g.columns, v.name,
                                 CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(
                                     pg_catalog.pg_get_userbyid(g.grantee)) END,
                                 CASE WHEN g.is_grantable AND g.grantee <> v.relowner
                                      THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM v, granted g
        UNION ALL
        SELECT 5, 0, 0, pg_catalog.format('COMMENT ON VIEW %s IS %L', v.name, d.description)
        FROM v JOIN pg_catalog.pg_description d
            ON d.objoid = v.oid AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
        UNION ALL
        SELECT 5, a.attnum, 0, pg_catalog.format('COMMENT ON COLUMN %s.%s IS %L', v.name, a.name,
                                                 pg_catalog.col_description(v.oid, a.attnum))
        FROM v, a WHERE pg_catalog.col_description(v.oid, a.attnum) IS NOT NULL
        UNION ALL
        SELECT 6, a.attnum, 0, pg_catalog.format('ALTER VIEW %s ALTER COLUMN %s SET DEFAULT %s', v.name, a.name,
                                                 pg_catalog.pg_get_expr(d.adbin, d.adrelid))
        FROM v, a JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        UNION ALL
        SELECT 7, 0, 0, pg_catalog.rtrim(pg_catalog.pg_get_ruledef(r.oid), ';')
        FROM v JOIN pg_catalog.pg_rewrite r ON r.ev_class = v.oid AND r.rulename <> '_RETURN'
        UNION ALL
        SELECT 7, 0, 0, pg_catalog.pg_get_triggerdef(t.oid)
        FROM v JOIN pg_catalog.pg_trigger t ON t.tgrelid = v.oid AND NOT t.tgisinternal
        UNION ALL
        SELECT 8, 0, 0, pg_catalog.format('COMMENT ON TRIGGER %I ON %s IS %L', t.tgname, v.name, d.description)
        FROM v JOIN pg_catalog.pg_trigger t ON t.tgrelid = v.oid
        JOIN pg_catalog.pg_description d ON d.objoid = t.oid AND d.classoid = 'pg_catalog.pg_trigger'::pg_catalog.regclass
        UNION ALL
        SELECT 8, 0, 0, pg_catalog.format('COMMENT ON RULE %I ON %s IS %L', r.rulename, v.name, d.description)
        FROM v JOIN pg_catalog.pg_rewrite r ON r.ev_class = v.oid
        JOIN pg_catalog.pg_description d ON d.objoid = r.oid AND d.classoid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
        WHERE r.rulename <> '_RETURN'
        UNION ALL
        SELECT 8, s.objsubid, 0, pg_catalog.format('SECURITY LABEL FOR %I ON %s IS %L', s.provider,
                                                   CASE WHEN s.objsubid = 0 THEN 'VIEW ' || v.name
                                                        ELSE 'COLUMN ' || v.name || '.' || a.name END, s.label)
        FROM v JOIN pg_catalog.pg_seclabel s ON s.objoid = v.oid AND s.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
        LEFT JOIN a ON a.attnum = s.objsubid
        WHERE s.objsubid = 0 OR a.attnum IS NOT NULL
        UNION ALL
        SELECT 9, 0, (SELECT e.extowner FROM pg_catalog.pg_extension e WHERE e.extname = 'softdelete'),
               pg_catalog.format('ALTER VIEW %s OWNER TO %I', v.name, pg_catalog.pg_get_userbyid(v.relowner))
        FROM v JOIN pg_catalog.pg_class t ON t.oid = $3::pg_catalog.oid AND t.relowner <> v.relowner
    ) p (part, position, role, command)
    ORDER BY p.part, p.position, p.command)";

} // namespace

std::vector<ViewProperty> get_view_properties(pg::Spi &spi, Oid view, Oid table,
                                              const std::vector<std::string> &dropped_columns) {
    std::vector<ViewProperty> properties;
    pg::OwnerScope owner(pg::get_extension_owner());
    for (const pg::Row &row :
         spi.query_kept(properties_query, {view, pg::make_array(dropped_columns), table})) {
        properties.push_back({row.oid(0), row.text(1)});
    }
    return properties;
}

void revoke_default_privileges(pg::Spi &spi, Oid view) {
    for (const pg::Row &row : spi.query_kept(
             "SELECT DISTINCT pg_catalog.format('REVOKE ALL ON %s FROM %s', c.oid::pg_catalog.regclass,"
             " CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE"
             " pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END) FROM pg_catalog.pg_class c"
             " CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) x"
             " WHERE c.oid = $1::pg_catalog.oid AND x.grantee <> c.relowner",
             {view})) {
        spi.execute(row.text(0));
    }
}

} // namespace softdelete::catalog
