// Compares archived rows with the live ones by the table's unique indexes, the primary key among them, whose definitions
// name columns that the archive has as well; and looks for their parents. Called by list_conflicts.cpp.
#include "restore/archived_conflicts.hpp"

#include "catalog/foreign_keys.hpp"
#include "model/predicate.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "restore/archived_rows.hpp"
#include "restore/find_deletions.hpp"
#include "rows/key_statement.hpp"
#include "sqltext/format.hpp"

namespace softdelete::restore {

namespace {

using catalog::ForeignKey;
using catalog::TableInfo;

struct ArchiveIndex {
    bool is_exclusion;
    bool nulls_not_distinct;
    std::string predicate;
    std::string archived; // what it asks of a row that comes back: not that it is live already
    std::vector<std::string> expressions;
    std::vector<catalog::Comparison> comparisons;
};

constexpr const char *archive_index_query = R"(
    SELECT i.indexrelid, i.indisexclusion, i.indnullsnotdistinct, pg_catalog.pg_get_expr(i.indpred, i.indrelid)
    FROM pg_catalog.pg_index i
    WHERE i.indrelid = $1::pg_catalog.oid AND (i.indisunique OR i.indisexclusion) AND i.indisvalid
    ORDER BY i.indexrelid)";

constexpr const char *archive_column_query = R"(
    SELECT pg_catalog.pg_get_indexdef(i.indexrelid, k.position::pg_catalog.int4, false),
           o.oid, coalesce(a.atttypid, 0)
    FROM pg_catalog.pg_index i
    CROSS JOIN LATERAL pg_catalog.unnest(i.indclass) WITH ORDINALITY AS k (opclass, position)
    JOIN pg_catalog.pg_opclass c ON c.oid = k.opclass
    LEFT JOIN pg_catalog.pg_constraint x ON x.conindid = i.indexrelid AND x.contype = 'x'
    LEFT JOIN pg_catalog.pg_amop m ON x.oid IS NULL AND m.amopfamily = c.opcfamily AND m.amoplefttype = c.opcintype
         AND m.amoprighttype = c.opcintype AND m.amopstrategy = 3 AND m.amoppurpose = 's'
    JOIN pg_catalog.pg_operator o ON o.oid = coalesce(x.conexclop[k.position], m.amopopr)
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k.position - 1]
    WHERE i.indexrelid = $1::pg_catalog.oid AND k.position <= i.indnkeyatts
    ORDER BY k.position)";

std::vector<ArchiveIndex> find_indexes(pg::Spi &spi, const TableInfo &table) {
    std::vector<ArchiveIndex> indexes;
    for (const pg::Row &row : spi.query(archive_index_query, {table.relation})) {
        const std::string predicate = row.text_or(3, "true");
        const std::string archived =
            table.is_registered
                ? model::remove_condition(predicate, "(" + table.deleted_at + " IS NULL)").value_or("true")
                : predicate;
        ArchiveIndex index = {row.boolean(1), row.boolean(2), predicate, archived, {}, {}};
        for (const pg::Row &column : spi.query(archive_column_query, {row.oid(0)})) {
            index.expressions.push_back(column.text(0));
            index.comparisons.push_back(catalog::find_comparison(column.oid(1), column.oid(2)));
        }
        indexes.push_back(std::move(index));
    }
    return indexes;
}

// The primary key of the row under this alias as a JSON object.
std::string make_archived_key(pg::Spi &spi, const TableInfo &table, const char *alias) {
    std::string pairs;
    for (const pg::Row &row : spi.query(
             "SELECT pg_catalog.quote_literal(a.attname), pg_catalog.quote_ident(a.attname) FROM "
             "pg_catalog.pg_index i CROSS JOIN LATERAL pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k (n, "
             "position) JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n WHERE "
             "i.indrelid = $1::pg_catalog.oid AND i.indisprimary AND k.position <= i.indnkeyatts ORDER BY "
             "k.position",
             {table.relation})) {
        pairs +=
            sqltext::format("%1%%2%, %3%.%4%", (pairs.empty() ? "" : ", "), row.text(0), alias, row.text(1));
    }
    return pairs.empty() ? "CAST(NULL AS pg_catalog.jsonb)" : "pg_catalog.jsonb_build_object(" + pairs + ")";
}

// "expression AS k1, expression AS k2".
std::string name_archived(const ArchiveIndex &index) {
    std::string named;
    for (std::size_t i = 0; i < index.expressions.size(); i++) {
        named += sqltext::format("%1%%2% AS k%3%", (i == 0 ? "" : ", "), index.expressions[i], i + 1);
    }
    return named;
}

std::string match_archived(const ArchiveIndex &index) {
    std::vector<std::string> conditions;
    for (std::size_t i = 1; i <= index.comparisons.size(); i++) {
        std::string match =
            index.comparisons[i - 1].of(sqltext::format("d.k%1%", i), sqltext::format("o.k%1%", i));
        conditions.push_back(index.nulls_not_distinct ? sqltext::format(
                                 "(%1% OR (d.k%2% IS NOT DISTINCT FROM NULL AND o.k%2% IS NOT "
                                 "DISTINCT FROM NULL))",
                                 match, i)
                                                      : match);
    }
    return sqltext::join(conditions, " AND ");
}

// SQL: the values as errors show them, for concat_ws(), which calls no cast.
std::string list_archived(const ArchiveIndex &index) {
    std::string values;
    for (std::size_t i = 1; i <= index.comparisons.size(); i++) {
        values += sqltext::format("%1%CASE WHEN d.k%2% IS NOT DISTINCT FROM NULL THEN 'null' ELSE "
                                  "pg_catalog.concat(d.k%2%) END",
                                  (i == 1 ? "" : ", "), i);
    }
    return values;
}

void add_taken(pg::Spi &spi, const TableInfo &table, const ArchiveIndex &index,
               const pg::Parameter &deletions, std::vector<Conflict> *found) {
    std::string rows = sqltext::format(
        "SELECT %1%, %2% AS key, a.tableoid AS t, a.ctid AS p, a.deletion_id AS n FROM %3% AS a WHERE "
        "a.deletion_id = ANY ($1::pg_catalog.int8[]) AND (%4%)",
        name_archived(index), make_archived_key(spi, table, "a"), table.archive->name, index.archived);
    std::string query = sqltext::format(
        "/* softdelete */ WITH d AS (%1%), o AS (SELECT %2% FROM %3% WHERE %4%), "
        "hit AS (SELECT d.key, pg_catalog.concat_ws(', ', %5%) AS value, false AS within, d.n FROM d JOIN o "
        "ON "
        "%6% "
        "UNION SELECT d.key, pg_catalog.concat_ws(', ', %5%), true, d.n FROM d JOIN d AS o ON (d.t, d.p) <> "
        "(o.t, o.p) AND %6%) SELECT key, value, within, n FROM hit ORDER BY key::pg_catalog.text, value, "
        "within, n",
        rows, name_archived(index), table.name, index.predicate, list_archived(index), match_archived(index));
    std::string columns = sqltext::join(index.expressions, ", ");
    pg::ReadScope scope(table.owner);
    for (const pg::Row &row : spi.query(query, {deletions})) {
        const sqltext::Pattern form = row.boolean(2)
                                          ? sqltext::Pattern("Key (%1%)=(%2%) occurs twice in the deletion.")
                                          : sqltext::Pattern("Key (%1%)=(%2%) is taken by a live row.");
        found->push_back({row.value(3), table.relation, row.value(0),
                          index.is_exclusion ? "exclusion" : "unique",
                          sqltext::format(form, columns, row.text_or(1, ""))});
    }
}

// By keys of one owner; what is missing in tables of others the restore itself says.
void add_parentless(pg::Spi &spi, const TableInfo &table, const ForeignKey &key,
                    const pg::Parameter &deletions, std::vector<Conflict> *found) {
    bool binds = catalog::binds(key.on_delete);
    if (!catalog::has_one_owner(key) || (!binds && !key.parent.archive)) {
        return;
    }
    std::string live =
        key.parent.is_registered ? sqltext::format(
            " AND (p.%1% IS NULL OR p.deletion_id = ANY ($1::pg_catalog.int8[]))", key.parent.deleted_at)
                                 : "";
    std::string archived = key.parent.archive
                               ? sqltext::format(" AND NOT EXISTS (SELECT FROM %1% AS p WHERE p.deletion_id "
                                                 "= ANY ($1::pg_catalog.int8[]) AND %2%)",
                                                 key.parent.archive->name, key.comparison)
                               : "";
    // A link that SET NULL or SET DEFAULT would have ended does so by now, where nothing of what it leads to is left.
    std::string kept = binds ? ""
                             : sqltext::format(" AND EXISTS (SELECT FROM %1% AS p WHERE %2%)",
                                               key.parent.archive->name, key.comparison);
    std::string see_all = key.parent.is_registered ? sqltext::format(" AND softdelete.include_deleted(p.%1%)",
                                                                     key.parent.deleted_at)
                                                   : "";
    std::string query = sqltext::format(
        "/* softdelete */ SELECT %1%, pg_catalog.concat_ws(', ', %2%), c.deletion_id FROM %3% AS c WHERE "
        "c.deletion_id = ANY ($1::pg_catalog.int8[])%4% AND NOT EXISTS (SELECT FROM %5% AS p WHERE "
        "%6%%7%%8%)%9%%10% ORDER BY 1, 3",
        make_archived_key(spi, table, "c"), key.child_values, table.archive->name,
        make_linked(key.child_link.names), key.parent.key_rows(), key.comparison, see_all, live, archived,
        kept);
    for (const pg::Row &row : rows::read_key(spi, key, query, {deletions})) {
        found->push_back({row.value(2), table.relation, row.value(0), "parent deleted",
                          sqltext::format("Key (%1%)=(%2%) refers to a row of table %3% that is not there.",
                                          key.child_columns, row.text_or(1, ""), key.parent.title)});
    }
}

// Key and values as they are found, or that there are some.
void report(const TableInfo &table, std::vector<Conflict> hits, Shown shown, const std::string &hidden_detail,
            std::vector<Conflict> *found) {
    if (shown == Shown::values) {
        found->insert(found->end(), std::make_move_iterator(hits.begin()),
                      std::make_move_iterator(hits.end()));
    } else if (!hits.empty()) {
        found->push_back({std::nullopt, table.relation, std::nullopt, hits.front().reason, hidden_detail});
    }
}

} // namespace

bool may_read_archive(const TableInfo &table) {
    const Oid archive = table.archive->relation;
    return pg::has_privilege(archive, pg::Privilege::select) && !pg::is_row_security_active(archive);
}

void add_archived_conflicts(pg::Spi &spi, const TableInfo &table, const std::vector<std::int64_t> &deletions,
                            Shown shown, std::vector<Conflict> *found) {
    const pg::Parameter ids = make_ids(deletions);
    for (const ForeignKey &key : catalog::find_own_keys(spi, table.relation)) {
        std::vector<Conflict> hits;
        add_parentless(spi, table, key, ids, &hits);
        report(table, std::move(hits), shown,
               sqltext::format("A key (%1%) refers to a row of table %2% that is not there.",
                               key.child_columns, key.parent.title),
               found);
    }
    for (const ArchiveIndex &index : find_indexes(spi, table)) {
        std::vector<Conflict> hits;
        add_taken(spi, table, index, ids, &hits);
        report(table, std::move(hits), shown,
               sqltext::format("A key (%1%) is taken.", sqltext::join(index.expressions, ", ")), found);
    }
}

} // namespace softdelete::restore
