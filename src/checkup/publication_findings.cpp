// The findings about publications. A registered table is published as a whole, by its partitions or children, by its schema or
// with all tables: pg_publication_tables knows. Called by checkup/catalog_findings.
#include "checkup/publication_findings.hpp"

#include "checkup/kind.hpp"

namespace softdelete::checkup {

namespace {

// $1: the registered tables that are looked at.
constexpr Kind without_updates = {Severity::warning, "publication_without_updates", R"(
    WITH RECURSIVE member (root, relation) AS (
        SELECT t.relation::pg_catalog.oid, t.relation::pg_catalog.oid FROM softdelete.tables t
        WHERE t.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[]) AND t.strategy = 'flag'
        UNION SELECT m.root, h.inhrelid FROM pg_catalog.pg_inherits h JOIN member m ON h.inhparent = m.relation),
    published (root, relation, publication, columns) AS (
        SELECT m.root, m.relation, b.pubname, b.attnames
        FROM member m
        JOIN pg_catalog.pg_class c ON c.oid = m.relation
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_publication_tables b ON b.schemaname = n.nspname AND b.tablename = c.relname)
    SELECT DISTINCT d.root, pg_catalog.format('publication %I', pub.pubname),
           'a soft delete is an UPDATE, which it does not publish: rows that are deleted here stay live for subscribers'
               || CASE WHEN refused.has THEN '; an UPDATE of those of its tables that have no replica identity would fail if it did' ELSE '' END,
           CASE WHEN NOT refused.has THEN
               pg_catalog.format('ALTER PUBLICATION %I SET (publish = %L)', pub.pubname,
                                 pg_catalog.concat_ws(', ', CASE WHEN pub.pubinsert THEN 'insert' END, 'update',
                                           CASE WHEN pub.pubdelete THEN 'delete' END, CASE WHEN pub.pubtruncate THEN 'truncate' END)) END
    FROM published d
    JOIN pg_catalog.pg_publication pub ON pub.pubname = d.publication AND NOT pub.pubupdate AND (pub.pubinsert OR pub.pubdelete)
    CROSS JOIN LATERAL (SELECT EXISTS (
        SELECT FROM pg_catalog.pg_publication_tables b
        JOIN pg_catalog.pg_namespace n ON n.nspname = b.schemaname
        JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = b.tablename
        WHERE b.pubname = pub.pubname AND c.relreplident <> 'f'
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid
                          AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END))) AS refused (has)
    ORDER BY 1, 2)"};

// Only a table that is named in the publication has a list of columns.
constexpr Kind without_columns = {Severity::warning, "publication_without_columns", R"(
    WITH RECURSIVE member (root, relation) AS (
        SELECT t.relation::pg_catalog.oid, t.relation::pg_catalog.oid FROM softdelete.tables t
        WHERE t.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[]) AND t.strategy = 'flag'
        UNION SELECT m.root, h.inhrelid FROM pg_catalog.pg_inherits h JOIN member m ON h.inhparent = m.relation),
    published (root, relation, publication, columns) AS (
        SELECT m.root, m.relation, b.pubname, b.attnames
        FROM member m
        JOIN pg_catalog.pg_class c ON c.oid = m.relation
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_publication_tables b ON b.schemaname = n.nspname AND b.tablename = c.relname)
    SELECT d.root, pg_catalog.format('publication %I', pub.pubname),
           'its list of columns leaves out those that say which rows are deleted: they stay live for subscribers',
           pg_catalog.format('ALTER PUBLICATION %1$I DROP TABLE %2$s; ALTER PUBLICATION %1$I ADD TABLE %2$s (%3$s)%4$s', pub.pubname,
                             part.name,
                             (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum)
                              FROM pg_catalog.pg_attribute a
                              WHERE a.attrelid = d.relation AND (a.attnum = ANY (r.prattrs) OR own.columns @> ARRAY[a.attname])),
                             ' WHERE (' || pg_catalog.pg_get_expr(r.prqual, r.prrelid) || ')')
    FROM published d
    JOIN softdelete.tables t ON t.relation = d.root
    JOIN pg_catalog.pg_publication pub ON pub.pubname = d.publication
    JOIN pg_catalog.pg_publication_rel r ON r.prpubid = pub.oid AND r.prrelid = d.relation AND r.prattrs IS NOT NULL
    CROSS JOIN LATERAL (SELECT pg_catalog.array_remove(ARRAY[t.deleted_at, t.deleted_by, 'deletion_id'], NULL)) AS own (columns)
    CROSS JOIN LATERAL (SELECT d.relation::pg_catalog.regclass::pg_catalog.text) AS part (name)
    WHERE EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = d.relation AND own.columns @> ARRAY[a.attname]
                  AND NOT a.attisdropped AND a.attname <> ALL (d.columns))
    ORDER BY 1, 2, d.relation::pg_catalog.regclass::pg_catalog.text)"};

} // namespace

void add_publication_findings(Findings &findings, pg::Spi &spi, const std::vector<pg::Parameter> &tables) {
    add_kind(findings, spi, without_updates, tables);
    add_kind(findings, spi, without_columns, tables);
}

} // namespace softdelete::checkup
