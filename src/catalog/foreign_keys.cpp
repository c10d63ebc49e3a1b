// Foreign keys for commands that follow trees of rows: reads pg_constraint by SQL and makes the conditions that compare
// keys. The per-row paths use catalog/foreign_key_info.
#include "catalog/foreign_keys.hpp"
#include "sqltext/format.hpp"

#include "catalog/definitions.hpp"
#include "catalog/referencing_constraints.hpp"
#include "pg/compat.hpp"

extern "C" {
#include "utils/lsyscache.h"
}

#include <utility>

namespace softdelete::catalog {

namespace {

// Columns of another type than the operator's are cast to that, as the server's own queries do: by name alone another
// operator of the same schema may fit better. Keys compare with the referenced column's collation. A partition's copy of a
// key has conparentid; the root's stands for all of them. A key that a partition alone has, or that references one alone,
// says so in its link, since its tables are the roots here. Keys that are not enforced (18 and later) do not count.
constexpr const char *keys_query = R"(
    SELECT k.oid, k.conname, k.conrelid, k.confrelid, k.confdeltype, x.comparison, k.condeferrable, k.condeferred,
           x.child_columns, x.child_types, x.parent_columns, x.parent_types,
           pp.condition IS NULL AND cp.condition IS NULL AND x.compares_as_sets_do, cp.condition, pp.condition
    FROM pg_catalog.pg_constraint k
    CROSS JOIN LATERAL (
        SELECT pg_catalog.string_agg(pg_catalog.format('p.%%I%%s%%s OPERATOR(%%I.%%s) c.%%I%%s', pa.attname,
                   (SELECT pg_catalog.format('::%%I.%%I', tn.nspname, t.typname)
                    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
                    WHERE t.oid = o.oprleft AND t.oid <> pa.atttypid AND t.typtype <> 'p'),
                   (SELECT pg_catalog.format(' COLLATE %%I.%%I', ln.nspname, l.collname)
                    FROM pg_catalog.pg_collation l JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace
                    WHERE l.oid = pa.attcollation AND pa.attcollation <> ca.attcollation),
                   n.nspname, o.oprname, ca.attname,
                   (SELECT pg_catalog.format('::%%I.%%I', tn.nspname, t.typname)
                    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
                    WHERE t.oid = o.oprright AND t.oid <> ca.atttypid AND t.typtype <> 'p')), ' AND ' ORDER BY y.position),
               pg_catalog.array_agg(pg_catalog.quote_ident(ca.attname) ORDER BY y.position),
               pg_catalog.array_agg(ca.atttypid::pg_catalog.text ORDER BY y.position),
               pg_catalog.array_agg(pg_catalog.quote_ident(pa.attname) ORDER BY y.position),
               pg_catalog.array_agg(pa.atttypid::pg_catalog.text ORDER BY y.position),
               pg_catalog.bool_and(ca.atttypid = pa.atttypid AND ca.attcollation = pa.attcollation AND EXISTS (
                   SELECT FROM pg_catalog.pg_amop b
                   JOIN pg_catalog.pg_opclass d ON d.opcfamily = b.amopfamily AND d.opcdefault
                    AND d.opcintype = b.amoplefttype AND d.opcintype = b.amoprighttype
                   WHERE b.amopopr = y.op AND b.amopstrategy = 3
                     AND b.amopmethod = (SELECT oid FROM pg_catalog.pg_am WHERE amname = 'btree')))
        FROM ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey),
                        pg_catalog.unnest(k.conpfeqop)) WITH ORDINALITY AS y (ckey, pkey, op, position)
        JOIN pg_catalog.pg_attribute ca ON ca.attrelid = k.conrelid AND ca.attnum = y.ckey
        JOIN pg_catalog.pg_attribute pa ON pa.attrelid = k.confrelid AND pa.attnum = y.pkey
        JOIN pg_catalog.pg_operator o ON o.oid = y.op
        JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace)
        AS x (comparison, child_columns, child_types, parent_columns, parent_types, compares_as_sets_do)
    LEFT JOIN LATERAL (%3%) AS pp (condition) ON true
    LEFT JOIN LATERAL (%4%) AS cp (condition) ON true
    WHERE k.contype = 'f' AND k.conparentid = 0 AND %1%
      AND %5% k.%2% = ANY (%6%)
    ORDER BY k.conname, k.oid)";

// Of a table that is a partition: where its rows lie.
constexpr const char *partition_query = R"(
    SELECT pg_catalog.format('tableoid OPERATOR(pg_catalog.=) ANY (%%L::pg_catalog.oid[])', %2%)
    WHERE pg_catalog.pg_partition_root(%1%) <> %1%)";

constexpr const char *generated_query = R"(
    SELECT k.conname, a.attname
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_attribute a ON a.attgenerated <> '' AND (
        (a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey)
         AND NOT (k.confdeltype IN ('a', 'r') AND k.confupdtype IN ('a', 'r')))
        OR (a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND k.confdeltype = 'c'))
    JOIN pg_catalog.pg_attrdef g ON g.adrelid = a.attrelid AND g.adnum = a.attnum
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = g.oid
         AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = a.attrelid
    JOIN pg_catalog.pg_attribute f ON f.attrelid = d.refobjid AND f.attnum = d.refobjsubid
    WHERE k.contype = 'f' AND pg_catalog.quote_ident(f.attname) = $2
      AND a.attrelid = ANY (%1%)
    ORDER BY k.conname, a.attname LIMIT 1)";

// An array: a table, given as an OID, and its partitions at any depth. pg_partition_tree() would lock them.
constexpr const char *tree_expression = R"(
    ARRAY(WITH RECURSIVE tree (relation) AS (
              SELECT %1%
              UNION ALL
              SELECT h.inhrelid FROM tree t JOIN pg_catalog.pg_inherits h ON h.inhparent = t.relation
              JOIN pg_catalog.pg_class p ON p.oid = h.inhrelid AND p.relispartition)
          SELECT relation FROM tree))";

OnDelete parse_action(const std::string &code) {
    switch (code.at(0)) {
    case 'c':
        return OnDelete::cascade;
    case 'r':
        return OnDelete::restricted;
    case 'n':
        return OnDelete::set_null;
    case 'd':
        return OnDelete::set_default;
    default:
        return OnDelete::no_action;
    }
}

std::vector<Oid> get_base_types(const std::vector<std::string> &types) {
    std::vector<Oid> base;
    for (const std::string &type : types) {
        base.push_back(pg::call([&] { return getBaseType(static_cast<Oid>(std::stoul(type))); }));
    }
    return base;
}

std::string list_tree(const char *relation) {
    return sqltext::format(tree_expression, relation);
}

std::string find_tree_of_partition(const char *relation) {
    return sqltext::format(partition_query, relation, list_tree(relation));
}

std::string make_keys_query(const char *side, const char *condition) {
    return sqltext::format(keys_query, pg::compat::enforced_condition, side,
                           find_tree_of_partition("k.confrelid"), find_tree_of_partition("k.conrelid"),
                           condition, list_tree("$1::pg_catalog.oid"));
}

std::vector<ForeignKey> find_keys(pg::Spi &spi, const std::string &query,
                                  const std::vector<pg::Parameter> &parameters) {
    std::vector<ForeignKey> keys;
    for (const pg::Row &row : read_definitions(spi, query, parameters)) {
        LinkColumns child = {row.array(8), get_base_types(row.array(9)), row.text_or(13, "")};
        LinkColumns parent = {row.array(10), get_base_types(row.array(11)), row.text_or(14, "")};
        keys.push_back(
            {.constraint = row.oid(0),
             .name = row.text(1),
             .child = get_table(spi, row.oid(2)),
             .parent = get_table(spi, row.oid(3)),
             .on_delete = parse_action(row.text(4)),
             .is_deferrable = row.boolean(6),
             .is_initially_deferred = row.boolean(7),
             .comparison = row.text(5),
             .link = row.text(5) + restrict_to_partition("p", parent) + restrict_to_partition("c", child),
             .child_columns = sqltext::join(child.names, ", "),
             .child_values = "c." + sqltext::join(child.names, ", c."),
             .child_link = child,
             .parent_link = parent,
             .compares_as_sets_do = row.boolean(12)});
    }
    return keys;
}

// What the action sets: ON DELETE SET NULL (columns) names some of the key's.
constexpr const char *ended_query = R"(
    SELECT pg_catalog.format('%I = %s', a.attname,
               CASE WHEN k.confdeltype = 'd' THEN coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), 'NULL') ELSE 'NULL' END)
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (coalesce(k.confdelsetcols, k.conkey))
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE k.oid = $1::pg_catalog.oid
    ORDER BY a.attnum)";

} // namespace

std::string make_ended_link(pg::Spi &spi, const ForeignKey &key) {
    std::vector<std::string> changes;
    for (const pg::Row &row : spi.query(ended_query, {key.constraint})) {
        changes.push_back(row.text(0));
    }
    return sqltext::join(changes, ", ");
}

std::optional<GeneratedLink> find_generated_link(pg::Spi &spi, Oid relation, const std::string &from) {
    std::vector<pg::Row> rows =
        spi.query_kept(sqltext::format(generated_query, list_tree("$1::pg_catalog.oid")), {relation, from});
    return rows.empty() ? std::nullopt : std::optional(GeneratedLink{rows[0].text(0), rows[0].text(1)});
}

std::string make_partition_condition(pg::Spi &spi, Oid relation) {
    std::vector<pg::Row> rows = spi.query_kept(find_tree_of_partition("$1::pg_catalog.oid"), {relation});
    return rows.empty() ? "" : rows.front().text(0);
}

std::string restrict_to_partition(const char *alias, const LinkColumns &side) {
    return side.partition.empty() ? "" : sqltext::format(" AND %1%.%2%", alias, side.partition);
}

std::vector<ForeignKey> find_referencing_keys(pg::Spi &spi, Oid relation) {
    static const std::string query = make_keys_query("confrelid", "k.oid = ANY ($2) AND");
    return find_keys(spi, query, {relation, find_referencing_constraints(spi, {relation})});
}

std::vector<ForeignKey> find_own_keys(pg::Spi &spi, Oid relation) {
    static const std::string query = make_keys_query("conrelid", "");
    return find_keys(spi, query, {relation});
}

ForeignKey of_archived_children(const ForeignKey &key) {
    ForeignKey moved = key;
    moved.child = get_archive(key.child);
    moved.child_link.partition.clear();
    moved.link = key.comparison + restrict_to_partition("p", key.parent_link);
    return moved;
}

ForeignKey between_archives(const ForeignKey &key) {
    ForeignKey moved = of_archived_children(key);
    moved.parent = get_archive(key.parent);
    moved.parent_link.partition.clear();
    moved.link = key.comparison;
    return moved;
}

std::vector<ForeignKey> reach_archives(const std::vector<ForeignKey> &keys, bool is_parent_archived) {
    std::vector<ForeignKey> reached;
    for (const ForeignKey &key : keys) {
        if (!is_parent_archived) {
            reached.push_back(key);
        }
        if (key.child.archive) {
            reached.push_back(is_parent_archived ? between_archives(key) : of_archived_children(key));
        }
    }
    return reached;
}

std::string join_parent(const ForeignKey &key) {
    return sqltext::format(
        "CROSS JOIN LATERAL (SELECT p.tableoid, p.ctid, p.%1%, p.deletion_id FROM %2% AS p "
        "WHERE softdelete.include_deleted(p.%1%) AND %3% OFFSET 0) AS p",
        key.parent.deleted_at, key.parent.key_rows(), key.link);
}

const char *name_action(OnDelete action) {
    switch (action) {
    case OnDelete::no_action:
        return "NO ACTION";
    case OnDelete::restricted:
        return "RESTRICT";
    case OnDelete::cascade:
        return "CASCADE";
    case OnDelete::set_null:
        return "SET NULL";
    case OnDelete::set_default:
        return "SET DEFAULT";
    }
    return "";
}

} // namespace softdelete::catalog
