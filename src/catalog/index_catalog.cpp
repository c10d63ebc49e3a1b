// One query per registration for all indexes. Columns that older versions lack are read through to_jsonb(). It takes a time
// that does not grow with the catalogs: what would be EXISTS is a subquery that the server does not make a hash table of,
// and arrays are parameters of their type.
#include "catalog/index_catalog.hpp"

#include "catalog/definitions.hpp"
#include "catalog/quoting.hpp"

extern "C" {
#include "catalog/pg_type.h"
}

namespace softdelete::catalog {

namespace {

const char *const indexes_query =
    "SELECT i.indexrelid, i.indrelid, coalesce(h.inhparent, 0), c.relname,"
    " c.relkind = 'I', i.indisunique, i.indisprimary, i.indisexclusion, i.indisvalid AND i.indisready,"
    " i.indisreplident, i.indisclustered, i.indnullsnotdistinct,"
    " coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false),"
    " (SELECT true FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = "
    "d.refobjsubid"
    "  WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refclassid = "
    "'pg_class'::regclass"
    "  AND d.refobjid = i.indrelid AND a.attname = ANY ($2) LIMIT 1) IS NOT NULL,"
    " pg_get_indexdef(i.indexrelid), pg_get_expr(i.indpred, i.indrelid), s.spcname,"
    " (SELECT array_agg(i.indkey[n]::text ORDER BY n) FROM generate_series(0, i.indnkeyatts - 1) n),"
    " (SELECT array_agg(pg_get_indexdef(i.indexrelid, n, false) ORDER BY n)"
    "  FROM generate_series(1, i.indnkeyatts) n),"
    " coalesce((SELECT array_agg(pg_get_indexdef(i.indexrelid, n, false) ORDER BY n)"
    "  FROM generate_series(i.indnkeyatts + 1, i.indnatts) n), '{}'),"
    " (SELECT d.description FROM pg_description d"
    "  WHERE d.objoid = i.indexrelid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0),"
    " coalesce((SELECT array_agg(a.attnum::text ORDER BY a.attnum) FROM pg_attribute a"
    "  WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0 AND i.indkey[a.attnum - 1] = 0), '{}'),"
    " coalesce((SELECT array_agg(a.attstattarget::text ORDER BY a.attnum) FROM pg_attribute a"
    "  WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0 AND i.indkey[a.attnum - 1] = 0), '{}'),"
    " coalesce((SELECT array_agg(format('%I of %s', f.conname, f.conrelid::regclass) ORDER BY 1)"
    "  FROM pg_depend r JOIN pg_constraint f ON f.oid = r.objid"
    "  WHERE r.refclassid = 'pg_class'::regclass AND r.refobjid = i.indexrelid"
    "  AND r.classid = 'pg_constraint'::regclass AND f.contype = 'f' AND f.conparentid = 0"
    "  AND f.conindid = i.indexrelid), "
    "'{}'),"
    " k.oid IS NOT NULL, coalesce(k.condeferrable, false), coalesce(k.condeferred, false),"
    " coalesce(pg_get_constraintdef(k.oid), ''),"
    " (SELECT d.description FROM pg_description d"
    "  WHERE d.objoid = k.oid AND d.classoid = 'pg_constraint'::regclass AND d.objsubid = 0)"
    " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " LEFT JOIN pg_inherits h ON h.inhrelid = i.indexrelid"
    " LEFT JOIN pg_depend o ON o.classid = 'pg_class'::regclass AND o.objid = i.indexrelid"
    "  AND o.deptype = 'i' AND o.refclassid = 'pg_constraint'::regclass"
    " LEFT JOIN pg_constraint k ON k.oid = o.refobjid AND k.contype IN ('p', 'u', 'x')"
    " LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace"
    " WHERE i.indrelid = ANY ($1) AND i.indislive"
    " ORDER BY array_position($1, i.indrelid), c.relname";

std::vector<int> to_numbers(const std::vector<std::string> &texts) {
    std::vector<int> numbers;
    for (const std::string &text : texts) {
        numbers.push_back(std::stoi(text));
    }
    return numbers;
}

std::vector<std::pair<int, int>> get_statistics(const pg::Row &row) {
    std::vector<int> columns = to_numbers(row.array(21));
    std::vector<int> targets = to_numbers(row.array(22));
    std::vector<std::pair<int, int>> statistics;
    for (std::size_t i = 0; i < columns.size(); i++) {
        statistics.emplace_back(columns[i], targets[i]);
    }
    return statistics;
}

model::IndexFacts read_index(const pg::Row &row) {
    model::IndexFacts index = {};
    index.oid = row.oid(0);
    index.table = row.oid(1);
    index.parent = row.oid(2);
    index.name = row.text(3);
    index.quoted_name = pg::quote_identifier(index.name);
    index.is_partitioned = row.boolean(4);
    index.is_unique = row.boolean(5);
    index.is_primary = row.boolean(6);
    index.is_exclusion = row.boolean(7);
    index.is_valid = row.boolean(8);
    index.is_replica_identity = row.boolean(9);
    index.is_clustered = row.boolean(10);
    index.nulls_not_distinct = row.boolean(11);
    index.without_overlaps = row.boolean(12);
    index.mentions_deletion = row.boolean(13);
    index.definition = row.text(14);
    index.predicate = row.value(15);
    index.tablespace = row.is_null(16) ? std::nullopt : std::optional(pg::quote_identifier(row.text(16)));
    index.key_columns = to_numbers(row.array(17));
    index.keys = row.array(18);
    index.included = row.array(19);
    index.comment = row.value(20);
    index.statistics = get_statistics(row);
    index.referencing = row.array(23);
    index.is_constraint = row.boolean(24);
    index.is_deferrable = row.boolean(25);
    index.is_initially_deferred = row.boolean(26);
    index.constraint_definition = row.text(27);
    index.constraint_comment = row.value(28);
    return index;
}

} // namespace

std::vector<model::IndexFacts> find_indexes(pg::Spi &spi, const std::vector<Oid> &tables,
                                            const std::vector<std::string> &columns) {
    std::vector<std::string> oids;
    for (Oid table : tables) {
        oids.push_back(std::to_string(table));
    }
    std::vector<model::IndexFacts> indexes;
    for (const pg::Row &row :
         spi.query_kept(indexes_query, {pg::Parameter(pg::make_array(oids), OIDARRAYOID),
                                        pg::Parameter(pg::make_array(columns), NAMEARRAYOID)})) {
        indexes.push_back(read_index(row));
    }
    return indexes;
}

std::vector<std::string> get_equality_operators(pg::Spi &spi, Oid index) {
    std::vector<std::string> operators;
    for (const pg::Row &row : spi.query_kept(
             "SELECT format('OPERATOR(%I.%s)', n.nspname, o.oprname)"
             " FROM pg_index i, generate_series(0, i.indnkeyatts - 1) k, pg_opclass c, pg_amop a, "
             "pg_operator o,"
             " pg_namespace n WHERE i.indexrelid = $1::oid AND c.oid = i.indclass[k] AND a.amopfamily = "
             "c.opcfamily"
             " AND a.amoplefttype = c.opcintype AND a.amoprighttype = c.opcintype AND a.amopstrategy = 3"
             " AND o.oid = a.amopopr AND n.oid = o.oprnamespace ORDER BY k",
             {index})) {
        operators.push_back(row.text(0));
    }
    return operators;
}

bool has_key_index(pg::Spi &spi, Oid constraint) {
    return read_definitions(
               spi,
               "SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_index i ON "
               "i.indrelid "
               "= "
               "k.conrelid AND i.indisvalid AND i.indkey[0] = ANY (k.conkey) JOIN pg_catalog.pg_attribute a "
               "ON "
               "a.attrelid = k.conrelid AND a.attnum = i.indkey[0] WHERE k.oid = $1::pg_catalog.oid AND "
               "(i.indpred IS NULL OR pg_catalog.pg_get_expr(i.indpred, i.indrelid) = "
               "pg_catalog.format('(%I IS NOT NULL)', a.attname)))",
               {constraint})
        .front()
        .boolean(0);
}

} // namespace softdelete::catalog
